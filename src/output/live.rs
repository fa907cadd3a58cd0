//! The live table on its terminal.

use std::time::SystemTime;

use super::line::Brush;
use super::screen::{Screen, Size};
use super::table::Table;
use crate::report::Event;

#[derive(Debug)]
pub struct Live {
    table: Table,
    screen: Screen,
    brush: Brush,
    /// How large the terminal is at the moment.
    size: fn() -> Size,
}

impl Live {
    pub fn new(brush: Brush, size: fn() -> Size) -> Self {
        Live { table: Table::default(), screen: Screen::default(), brush, size }
    }

    pub fn see(&mut self, event: &Event, now: SystemTime) {
        self.table.see(event, now);
    }

    /// The table as it is now, over the one that is there.
    pub fn draw(&mut self, now: SystemTime) -> String {
        let size = (self.size)();
        self.screen.draw(&self.table.frame(size, now), size, self.brush)
    }

    /// `text` as lines above the table.
    pub fn above(&mut self, text: &str, now: SystemTime) -> String {
        let wiped = self.screen.wipe((self.size)());
        format!("{wiped}{text}\n{}", self.draw(now))
    }

    /// Takes the table away, for good.
    pub fn end(&mut self) -> String {
        self.table = Table::default();
        self.screen.wipe((self.size)())
    }
}
