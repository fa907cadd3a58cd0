//! A few lines at the end of a terminal that are drawn in place. A frame is written at once and over the one before,
//! so that nothing flickers; where the window became narrower, terminals have wrapped the lines that were drawn, and
//! all of their rows are taken back.

use std::fmt::Write;

use anstyle::Style;

use super::line::Brush;

/// Text in pieces, each in a style. It is cut before it is painted.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Line(Vec<(Style, String)>);

impl Line {
    pub fn add(mut self, style: Style, text: impl Into<String>) -> Self {
        let text = text.into();
        if !text.is_empty() {
            self.0.push((style, text));
        }
        self
    }

    pub fn text(self, text: impl Into<String>) -> Self {
        self.add(Style::new(), text)
    }

    pub fn width(&self) -> usize {
        self.0.iter().map(|(_, text)| columns(text)).sum()
    }

    /// Blanks, and the text at the end of a line that is this wide.
    pub fn right(self, text: &str, width: usize) -> Self {
        let blanks = width.saturating_sub(self.width() + columns(text)).max(2);
        self.text(" ".repeat(blanks) + text)
    }

    fn cut(&self, width: usize) -> Line {
        if self.width() <= width {
            return self.clone();
        }
        let (mut line, mut left) = (Line::default(), width.saturating_sub(1));
        for (style, text) in &self.0 {
            let fits: String = text
                .chars()
                .scan(0, |used, c| {
                    *used += column(c);
                    (*used <= left).then_some(c)
                })
                .collect();
            left -= columns(&fits);
            let whole = fits == *text;
            line = line.add(*style, fits);
            if !whole {
                break;
            }
        }
        line.text("…")
    }

    fn paint(&self, brush: Brush) -> String {
        self.0
            .iter()
            .map(|(style, text)| if *style == Style::new() { text.clone() } else { brush.paint(*style, text) })
            .collect()
    }
}

/// East Asian characters and emoji take two columns. It is no harm to count a few too many.
fn column(c: char) -> usize {
    1 + usize::from(
        matches!(c, '\u{1100}'..='\u{115f}' | '\u{2e80}'..='\u{a4cf}' | '\u{ac00}'..='\u{d7a3}' | '\u{f900}'..='\u{faff}' | '\u{fe30}'..='\u{fe6f}' | '\u{ff00}'..='\u{ff60}' | '\u{1f000}'..),
    )
}

pub fn columns(text: &str) -> usize {
    text.chars().map(column).sum()
}

/// Columns and rows of a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    pub width: usize,
    pub height: usize,
}

impl Size {
    /// Of the terminal that stderr is, as it is now.
    pub fn now() -> Self {
        let size = rustix::termios::tcgetwinsize(rustix::stdio::stderr()).ok();
        let size = size.filter(|size| size.ws_col > 0 && size.ws_row > 0);
        size.map_or(Size { width: 80, height: 24 }, |size| Size {
            width: size.ws_col.into(),
            height: size.ws_row.into(),
        })
    }
}

/// What is drawn: the columns of each line. The cursor stands at the beginning of the last one, so that the `^C` which
/// a terminal writes makes no further row.
#[derive(Debug, Default)]
pub struct Screen(Vec<usize>);

impl Screen {
    /// Takes the frame away.
    pub fn wipe(&mut self, size: Size) -> String {
        let back = self.back(size);
        self.0.clear();
        if back.is_empty() { back } else { back + "\x1b[J" }
    }

    /// Writes a frame over the one that is there.
    pub fn draw(&mut self, frame: &[Line], size: Size, brush: Brush) -> String {
        if frame.is_empty() {
            return self.wipe(size);
        }
        let wrapped = self.0.iter().any(|columns| *columns > size.width);
        // Terminals that know it show all of it at once ("synchronized output"); others pass over it.
        let mut text = format!("\x1b[?2026h{}", if wrapped { self.wipe(size) } else { self.back(size) });
        // The last column stays free: a terminal is between two lines when it is filled.
        let lines: Vec<Line> = frame.iter().map(|line| line.cut(size.width.saturating_sub(1))).collect();
        let painted: Vec<String> = lines.iter().map(|line| line.paint(brush) + "\x1b[K").collect();
        let _ = write!(text, "{}\x1b[J\r\x1b[?2026l", painted.join("\n"));
        self.0 = lines.iter().map(Line::width).collect();
        text
    }

    /// To the beginning of the first line.
    fn back(&self, size: Size) -> String {
        let Some((_, above)) = self.0.split_last() else { return String::new() };
        match above.iter().map(|columns| columns.div_ceil(size.width.max(1)).max(1)).sum::<usize>() {
            0 => "\r".into(),
            // What has left the window at its top is out of reach.
            rows => format!("\r\x1b[{}A", rows.min(size.height.saturating_sub(1)).max(1)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As much of a terminal as is drawn upon.
    struct Terminal {
        rows: Vec<Vec<char>>,
        at: (usize, usize),
    }

    impl Terminal {
        fn new() -> Self {
            Terminal { rows: vec![Vec::new()], at: (0, 0) }
        }

        fn write(&mut self, text: &str) -> String {
            let mut chars = text.chars();
            while let Some(c) = chars.next() {
                match c {
                    '\r' => self.at.1 = 0,
                    '\n' => self.at = (self.at.0 + 1, 0),
                    '\x1b' => {
                        let mut command = String::new();
                        while !command.ends_with(|c: char| c.is_ascii_alphabetic()) {
                            command.extend(chars.next());
                        }
                        self.obey(&command[1..]);
                    }
                    c => self.put(c),
                }
                while self.rows.len() <= self.at.0 {
                    self.rows.push(Vec::new());
                }
            }
            let rows: Vec<String> = self.rows.iter().map(|row| row.iter().collect()).collect();
            rows.join("\n").trim_end().to_owned()
        }

        fn put(&mut self, c: char) {
            let row = &mut self.rows[self.at.0];
            row.resize(row.len().max(self.at.1 + 1), ' ');
            row[self.at.1] = c;
            self.at.1 += 1;
        }

        fn obey(&mut self, command: &str) {
            match command.split_at(command.len() - 1) {
                (rows, "A") => self.at.0 -= rows.parse::<usize>().unwrap(),
                ("", "K") => self.rows[self.at.0].truncate(self.at.1),
                ("", "J") => {
                    self.rows[self.at.0].truncate(self.at.1);
                    self.rows.truncate(self.at.0 + 1);
                }
                (_, "m" | "h" | "l") => {}
                other => panic!("{other:?}"),
            }
        }
    }

    fn frame(lines: &[&str]) -> Vec<Line> {
        lines.iter().map(|line| Line::default().text(*line)).collect()
    }

    const WIDE: Size = Size { width: 20, height: 24 };

    #[test]
    fn screen_draws_over_what_was_drawn() {
        let (mut screen, mut terminal) = (Screen::default(), Terminal::new());
        terminal.write("log\n");
        assert_eq!(
            terminal.write(&screen.draw(&frame(&["first", "second", "third"]), WIDE, Brush(true))),
            "log\nfirst\nsecond\nthird"
        );
        assert_eq!(terminal.write(&screen.draw(&frame(&["1st", "2nd"]), WIDE, Brush(true))), "log\n1st\n2nd");
        terminal.write("^C");
        assert_eq!(terminal.write(&screen.wipe(WIDE)), "log");
        assert_eq!(terminal.write("more"), "log\nmore", "and leaves no line behind");
        assert_eq!(screen.wipe(WIDE), "");
    }

    #[test]
    fn screen_cuts_what_is_too_long() {
        let (mut screen, mut terminal) = (Screen::default(), Terminal::new());
        let red = Style::new().bold();
        let line = Line::default().add(red, "12345").add(red, "67890");
        assert_eq!(terminal.write(&screen.draw(&[line], Size { width: 9, ..WIDE }, Brush(true))), "1234567…");
        assert_eq!(columns("日本"), 4);
    }

    #[test]
    fn screen_takes_back_the_rows_of_a_window_that_became_narrower() {
        let mut screen = Screen::default();
        screen.draw(&frame(&["0123456789", "abcdef"]), WIDE, Brush(false));
        // The first line takes three rows now; the cursor is in the first one of the second.
        assert_eq!(screen.wipe(Size { width: 4, height: 24 }), "\r\x1b[3A\x1b[J");
    }
}
