//! Records as people type and read them.
