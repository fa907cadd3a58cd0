//! Names that ECS would draw at random. Here they come from a seeded sequence that is part of the state, so
//! the same calls at the same times give the same names.

use serde::{Deserialize, Serialize};

const BASE62: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Ids {
    state: u64,
}

impl Ids {
    pub fn seeded(seed: u64) -> Self {
        Ids { state: seed }
    }

    /// SplitMix64.
    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut word = self.state;
        word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        word ^ (word >> 31)
    }

    /// 32 hex digits: a task's id.
    pub fn hex(&mut self) -> String {
        format!("{:016x}{:016x}", self.next(), self.next())
    }

    /// The 17 hex digits after `eni-`.
    pub fn short_hex(&mut self) -> String {
        self.hex()[..17].to_owned()
    }

    pub fn uuid(&mut self) -> String {
        let hex = self.hex();
        let variant = ['8', '9', 'a', 'b'][(self.next() % 4) as usize];
        format!("{}-{}-4{}-{variant}{}-{}", &hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..])
    }

    /// 19 digits: deployments and service revisions.
    pub fn digits(&mut self) -> String {
        format!("{:019}", self.next() % 10_000_000_000_000_000_000)
    }

    /// 21 letters and digits: service deployments.
    pub fn letters(&mut self) -> String {
        (0..21).map(|_| BASE62[(self.next() % 62) as usize] as char).collect()
    }

    /// An address within 10.0.0.0/16, no network's own and none of a broadcast.
    pub fn address(&mut self) -> String {
        let word = self.next();
        format!("10.0.{}.{}", word % 250, (word >> 16) % 250 + 4)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_the_shapes_of_ecs() {
        let mut ids = Ids::seeded(7);
        assert_eq!(ids.hex().len(), 32);
        let uuid = ids.uuid();
        assert_eq!((uuid.len(), &uuid[14..15]), (36, "4"));
        assert_eq!(ids.digits().len(), 19);
        assert_eq!(ids.letters().len(), 21);
    }

    #[test]
    fn names_repeat_with_the_seed() {
        let (mut one, mut other) = (Ids::seeded(1), Ids::seeded(1));
        assert_eq!(one.hex(), other.hex());
        assert_ne!(one.hex(), Ids::seeded(2).hex());
    }
}
