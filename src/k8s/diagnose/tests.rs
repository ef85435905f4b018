//! Tables of what Kubernetes says and what is made of it.
