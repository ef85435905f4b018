//! How the records of a batch are compressed.

/// What stands before snappy blocks that are framed as Java clients do it (xerial), each behind its length: magic,
/// version and compatible version. Java reads nothing else.
pub(in crate::kafka) const XERIAL: &[u8] = b"\x82SNAPPY\0\0\0\0\x01\0\0\0\x01";
/// Of which the magic.
pub(in crate::kafka) const XERIAL_MAGIC: &[u8] = XERIAL.split_at(8).0;

/// The lowest three bits of a batch's attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Codec {
    #[default]
    None,
    Gzip,
    Snappy,
    Lz4,
    Zstd,
}

impl Codec {
    /// Its number in the attributes.
    pub fn wire(self) -> i16 {
        match self {
            Self::None => 0,
            Self::Gzip => 1,
            Self::Snappy => 2,
            Self::Lz4 => 3,
            Self::Zstd => 4,
        }
    }

    /// The one that a batch's attributes say; `None` for one that is not known.
    pub fn from_attributes(attributes: i16) -> Option<Self> {
        [Self::None, Self::Gzip, Self::Snappy, Self::Lz4, Self::Zstd]
            .into_iter()
            .find(|codec| codec.wire() == attributes & 7)
    }
}
