//! Layers: from a list of entries to the bytes that a registry stores. The tar is reproducible (order, owners,
//! times and headers depend on the entries alone) and so is its compression (blocks of fixed size, whatever the
//! number of threads). A layer knows its `DiffId` before it is compressed, which is enough to ask whether
//! anybody has it already.

mod entry;
mod error;
mod gzip;
mod header;
mod known;
mod order;
mod pack;
mod pipeline;
mod tar;
mod unpack;

pub use entry::{Content, Entry, Kind, LayerSpec};
pub use error::Error;
pub use gzip::Level;
pub use known::Known;
pub use pack::{Packed, compress};
pub use unpack::{Unpacked, diff_id, unpacked};

/// Names how a tar becomes a blob: block size, how a block's compression is chosen, compressor. Whoever changes
/// any of these, or sees the digest in `pack`'s tests change with a new libdeflate, raises it, so that digests
/// remembered from the old recipe are not taken for the new one's.
const RECIPE: u32 = 1;
