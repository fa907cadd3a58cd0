//! Bytes on their way out. A terminal gets one bar per blob; a log gets a line per quarter of a large blob, which is
//! enough to keep a CI system from taking a long upload for a hang (CircleCI ends a step after ten silent minutes).

use std::collections::HashMap;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::text::{short, size};

/// Below this a blob is sent without a word.
const LARGE: u64 = 64 << 20;

/// The bars of a terminal.
#[derive(Debug)]
pub struct Bars {
    all: MultiProgress,
    running: HashMap<String, ProgressBar>,
}

impl Bars {
    pub fn new() -> Self {
        Bars { all: MultiProgress::with_draw_target(ProgressDrawTarget::stderr()), running: HashMap::new() }
    }

    pub fn advance(&mut self, digest: &str, sent: u64, size: u64) {
        let all = &self.all;
        let bar = self.running.entry(digest.to_owned()).or_insert_with(|| {
            let style = ProgressStyle::with_template(
                "{msg}  {bar:30}  {decimal_bytes} of {decimal_total_bytes}  {decimal_bytes_per_sec}",
            );
            let style = style.expect("a valid template").progress_chars("━━ ");
            all.add(ProgressBar::new(size).with_style(style).with_message(short(digest).to_owned()))
        });
        bar.set_position(sent);
    }

    pub fn finish(&mut self, digest: &str) {
        if let Some(bar) = self.running.remove(digest) {
            bar.finish_and_clear();
        }
    }

    pub fn clear(&mut self) {
        self.running.drain().for_each(|(_, bar)| bar.finish_and_clear());
    }

    /// Runs `print` while no bar is in the way.
    pub fn aside<T>(&self, print: impl FnOnce() -> T) -> T {
        self.all.suspend(print)
    }
}

/// The lines of a log.
#[derive(Debug, Default)]
pub struct Quarters(HashMap<String, u64>);

impl Quarters {
    /// A line, if a quarter of a large blob has gone out since the last one.
    pub fn advance(&mut self, digest: &str, sent: u64, whole: u64) -> Option<String> {
        if whole < LARGE || sent >= whole {
            return None;
        }
        let quarter = sent * 4 / whole;
        let told = self.0.entry(digest.to_owned()).or_default();
        let moved = quarter > *told;
        *told = quarter;
        moved.then(|| format!("blob   {}  {} % of {}", short(digest), quarter * 25, size(whole)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quarters_of_a_large_blob_are_told_once() {
        let mut quarters = Quarters::default();
        let whole = 100_000_000;
        let told: Vec<String> = (0..=100)
            .filter_map(|percent| quarters.advance("sha256:0123456789abcdef", whole / 100 * percent, whole))
            .collect();
        assert_eq!(
            told,
            ["25", "50", "75"].map(|percent| format!("blob   sha256:0123456789ab  {percent} % of 100.0 MB"))
        );
    }

    #[test]
    fn quarters_begin_again_with_a_new_attempt() {
        let mut quarters = Quarters::default();
        assert!(quarters.advance("d", LARGE / 2, LARGE).is_some());
        assert!(quarters.advance("d", 0, LARGE).is_none());
        assert!(quarters.advance("d", LARGE / 4, LARGE).is_some());
    }

    #[test]
    fn quarters_of_a_small_blob_are_not_told() {
        assert_eq!(Quarters::default().advance("d", 500, 1000), None);
    }
}
