//! What must hold for every set of objects that is applied.
