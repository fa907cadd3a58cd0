//! The few fields of an ELF file that tell where it can run: class and byte order, type, machine, entry point and
//! the requested loader (System V ABI, chapters 4 and 5; machine numbers from its registry). Headers only,
//! whatever the size of the file.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

pub(super) const MAGIC: &[u8; 4] = b"\x7fELF";
const PT_INTERP: u64 = 3;
/// Longest path of a loader that is believed. Bytes.
const PATH_LIMIT: u64 = 4096;

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Elf {
    pub kind: Kind,
    /// As OCI platforms name it; nothing for a machine that has no such name.
    pub architecture: Option<&'static str>,
    pub machine: u16,
    /// `EI_OSABI`: 0 and 3 are Linux.
    pub abi: u8,
    /// The dynamic loader that the kernel must find; nothing in a static program.
    pub interpreter: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Program,
    /// Without an entry point.
    Library,
    /// An object file, a core dump.
    Other,
}

/// Fields at fixed places of one of the four layouts (32 or 64 bits, either byte order).
struct Layout {
    wide: bool,
    big_endian: bool,
}

impl Layout {
    fn number(&self, bytes: &[u8], at: usize, size: usize) -> io::Result<u64> {
        let field = bytes.get(at..at + size).ok_or_else(cut_off)?;
        let join = |number: u64, byte: &u8| number << 8 | u64::from(*byte);
        Ok(if self.big_endian { field.iter().fold(0, join) } else { field.iter().rev().fold(0, join) })
    }

    /// A field whose place and size differ: (place, size) with 32 bits, then with 64.
    fn either(&self, bytes: &[u8], narrow: (usize, usize), wide: (usize, usize)) -> io::Result<u64> {
        let (at, size) = if self.wide { wide } else { narrow };
        self.number(bytes, at, size)
    }
}

impl Elf {
    /// Fails with "unexpected end" if the headers reach beyond the end of the file.
    pub fn read(file: &File) -> io::Result<Elf> {
        let header = part(file, 0, 52)?;
        let layout = match (header[4], header[5]) {
            (class @ (1 | 2), order @ (1 | 2)) => Layout { wide: class == 2, big_endian: order == 2 },
            _ => return Err(io::Error::new(io::ErrorKind::InvalidData, "its ELF header is damaged")),
        };
        let header = part(file, 0, if layout.wide { 64 } else { 52 })?;
        let machine = layout.number(&header, 18, 2)? as u16;
        let entry = layout.either(&header, (24, 4), (24, 8))?;
        let kind = match layout.number(&header, 16, 2)? {
            2 => Kind::Program,
            3 if entry != 0 => Kind::Program,
            3 => Kind::Library,
            _ => Kind::Other,
        };
        let interpreter = interpreter(file, &layout, &header)?;
        Ok(Elf { kind, architecture: architecture(machine, &layout), machine, abi: header[7], interpreter })
    }
}

fn interpreter(file: &File, layout: &Layout, header: &[u8]) -> io::Result<Option<String>> {
    let table = layout.either(header, (28, 4), (32, 8))?;
    let size = layout.either(header, (42, 2), (54, 2))?;
    let count = layout.either(header, (44, 2), (56, 2))?;
    for index in 0..count {
        let start = table.checked_add(index * size).ok_or_else(cut_off)?;
        let row = part(file, start, if layout.wide { 56 } else { 32 })?;
        if layout.number(&row, 0, 4)? == PT_INTERP {
            let at = layout.either(&row, (4, 4), (8, 8))?;
            let length = layout.either(&row, (16, 4), (32, 8))?;
            let path = part(file, at, length.min(PATH_LIMIT) as usize)?;
            let path = path.split(|byte| *byte == 0).next().unwrap_or_default();
            return Ok(Some(String::from_utf8_lossy(path).into_owned()));
        }
    }
    Ok(None)
}

fn architecture(machine: u16, layout: &Layout) -> Option<&'static str> {
    match (machine, layout.wide, layout.big_endian) {
        (3, false, false) => Some("386"),
        (8, false, true) => Some("mips"),
        (8, false, false) => Some("mipsle"),
        (8, true, true) => Some("mips64"),
        (8, true, false) => Some("mips64le"),
        (21, true, true) => Some("ppc64"),
        (21, true, false) => Some("ppc64le"),
        (22, true, true) => Some("s390x"),
        (40, false, false) => Some("arm"),
        (62, true, false) => Some("amd64"),
        (183, true, false) => Some("arm64"),
        (243, true, false) => Some("riscv64"),
        (258, true, false) => Some("loong64"),
        _ => None,
    }
}

fn part(file: &File, at: u64, length: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; length];
    file.read_exact_at(&mut bytes, at).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidInput => cut_off(),
        _ => error,
    })?;
    Ok(bytes)
}

fn cut_off() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "it is cut off")
}
