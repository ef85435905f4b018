//! The sets of defaults: three cluster documents that are part of the program.

use clap::ValueEnum;

use super::ClusterSpec;
use crate::k8s::manifests::document::WrittenDocument;

/// A set of defaults.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Preset {
    /// One small broker that is its own controller, for a laptop
    Dev,
    /// Three brokers and three controllers
    Default,
    /// The same with TLS, users, metrics, more memory, and no two pods of a role on one node
    Production,
}

impl Preset {
    /// Its document.
    ///
    /// # Errors
    /// Never; it is part of the program, and a test reads it.
    pub fn document(self) -> Result<WrittenDocument, String> {
        WrittenDocument::from_yaml(match self {
            Self::Dev => include_str!("../../../../presets/dev.yaml"),
            Self::Default => include_str!("../../../../presets/default.yaml"),
            Self::Production => include_str!("../../../../presets/production.yaml"),
        })
    }

    /// What it asks.
    ///
    /// # Errors
    /// Never, as [`Self::document`].
    pub fn spec(self) -> Result<ClusterSpec, String> {
        self.document()?.laid_over(&ClusterSpec::default())
    }
}
