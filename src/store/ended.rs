//! What has ended by itself.

/// Verdicts and whitelist entries whose time was over, and what came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ended {
    /// The names of the links whose manual verdict was lifted.
    pub verdicts: Vec<String>,
    /// The patterns of the entries that exempt nobody any more.
    pub entries: Vec<String>,
}
