//! Requests by family, with plain structs of our own.
