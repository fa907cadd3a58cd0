//! One block of a tar as one gzip member. A blob is these members one after the other, which gzip calls a valid
//! file (RFC 1952, 2.2): that is what lets blocks be compressed side by side. A member's bytes depend on the
//! block and the level alone; libdeflate writes neither time nor name and always "unknown" as operating system.

use std::fmt;
use std::str::FromStr;

use libdeflater::{CompressionLvl, Compressor};

use super::Error;

/// Plain bytes in a member, the last one excepted.
pub(super) const BLOCK: usize = 1024 * 1024;

/// How hard to compress: 0 stores, 1 is fastest, 12 is smallest (above 9 at many times the cost).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Level(u8);

impl Level {
    pub fn new(level: u8) -> Result<Level, Error> {
        if level <= 12 { Ok(Level(level)) } else { Err(Error::Level(level.to_string())) }
    }

    pub fn get(self) -> u8 {
        self.0
    }

    fn compressor(self) -> Compressor {
        Compressor::new(CompressionLvl::new(self.0.into()).expect("0 to 12 is libdeflate's range"))
    }
}

impl Default for Level {
    /// The knee of the curve, by 691 MB of sources, shared libraries and jars: level 1 made 319 MB of them in 2.8
    /// processor seconds, 5 made 305 MB in 4.9, 6 made 303 MB in 5.9; Go's `gzip.BestSpeed` 333 MB in 4.6.
    fn default() -> Self {
        Level(5)
    }
}

impl FromStr for Level {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        text.parse().ok().and_then(|level| Level::new(level).ok()).ok_or_else(|| Error::Level(text.to_owned()))
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a thread keeps from block to block.
pub(super) struct Gzip {
    chosen: Compressor,
    quick: Compressor,
    store: Compressor,
    sample: Vec<u8>,
    scratch: Vec<u8>,
}

/// A sample is this many pieces of this many bytes, spread evenly over the block: enough not to be fooled by a
/// small text between two archives, little enough to cost nothing beside hashing.
const PIECES: usize = 16;
const PIECE: usize = 4 * 1024;

impl Gzip {
    pub(super) fn new(level: Level) -> Self {
        Gzip {
            chosen: level.compressor(),
            quick: Level(1).compressor(),
            store: Level(0).compressor(),
            sample: Vec::with_capacity(PIECES * PIECE),
            scratch: Vec::new(),
        }
    }

    /// Replaces `packed` by the block's member.
    pub(super) fn pack(&mut self, block: &[u8], packed: &mut Vec<u8>) {
        let compressor = if self.shrinks(block) { &mut self.chosen } else { &mut self.store };
        packed.resize(compressor.gzip_compress_bound(block.len()), 0);
        let size = compressor.gzip_compress(block, packed).expect("the bound is large enough");
        packed.truncate(size);
    }

    /// Whether compression is worth its time: jars, images and archives are compressed already, and a registry's
    /// network is faster than another attempt at them.
    fn shrinks(&mut self, block: &[u8]) -> bool {
        self.sample.clear();
        for start in (0..block.len()).step_by(BLOCK / PIECES) {
            self.sample.extend_from_slice(&block[start..block.len().min(start + PIECE)]);
        }
        self.scratch.resize(self.quick.deflate_compress_bound(self.sample.len()), 0);
        let size = self.quick.deflate_compress(&self.sample, &mut self.scratch).expect("the bound is large enough");
        size * 100 < self.sample.len() * 95
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Bytes that no compressor can shrink, the same every time: a xorshift generator's.
    pub(in crate::layer) fn noise(size: usize) -> Vec<u8> {
        let mut state = 0x2545_f491_4f6c_dd1d_u64;
        let words = (0..size.div_ceil(8)).flat_map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_le_bytes()
        });
        words.take(size).collect()
    }

    #[test]
    fn level_is_a_number_up_to_12() {
        assert_eq!("12".parse::<Level>().unwrap().get(), 12);
        for wrong in ["13", "-1", "", "fast", "256"] {
            assert!(wrong.parse::<Level>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn noise_is_stored_and_noise_with_gaps_is_compressed() {
        let mut gzip = Gzip::new(Level::default());
        let mut block = noise(BLOCK);
        let mut packed = Vec::new();
        gzip.pack(&block, &mut packed);
        assert!(packed.len() > BLOCK && packed[15..].starts_with(&block[..1000]), "not stored");
        block[BLOCK / 2..BLOCK * 3 / 4].fill(b' ');
        gzip.pack(&block, &mut packed);
        assert!(packed.len() < BLOCK * 4 / 5, "{}", packed.len());
    }

    #[test]
    fn every_level_packs_blocks_of_every_size() {
        for level in 0..=12 {
            let mut gzip = Gzip::new(Level::new(level).unwrap());
            for size in [0, 1, 511, 65_535, 65_536] {
                let mut packed = Vec::new();
                gzip.pack(&vec![b'x'; size], &mut packed);
                let mut plain = vec![0; size];
                let got = libdeflater::Decompressor::new().gzip_decompress(&packed, &mut plain).unwrap();
                assert_eq!((got, plain), (size, vec![b'x'; size]), "level {level}");
            }
        }
    }
}
