//! Layers: from a list of entries to the bytes that a registry stores. The tar is reproducible (order, owners,
//! times and headers depend on the entries alone) and so is its compression (blocks of fixed size, whatever the
//! number of threads). A layer knows its `DiffId` before it is compressed, which is enough to ask whether
//! anybody has it already.

mod entry;

pub use entry::{Content, Entry, Kind, LayerSpec};
