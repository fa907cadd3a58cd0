//! The two things to do with a layer: measure it (its `DiffId`, by hashing alone) or pack it (the blob, in one
//! pass over the input). Both hash the same stream, so a measured layer that somebody has already need never be
//! packed.

use std::io::{self, Read, Write};
use std::path::Path;
use std::thread;

use tempfile::TempPath;

use super::pipeline::{self, Filler};
use super::{Error, LayerSpec, Level, tar};
use crate::image::{DiffId, Digest, Hasher};

/// More workers than this only wait: reading and hashing the tar is one thread's work.
const MAX_THREADS: usize = 8;

/// A layer's blob, in a file that goes away with this value.
#[derive(Debug)]
pub struct Packed {
    pub diff_id: DiffId,
    pub digest: Digest,
    /// Bytes of the blob.
    pub size: u64,
    pub file: TempPath,
}

impl LayerSpec {
    /// Reads and hashes everything, keeps nothing.
    pub fn measure(&self) -> Result<DiffId, Error> {
        let mut tar = Hashing::default();
        tar::write(self, &mut tar)?;
        Ok(DiffId::new(tar.0.digest()))
    }

    /// Writes the blob into a new file in the directory `spool`.
    pub fn pack(&self, level: Level, spool: &Path) -> Result<Packed, Error> {
        pack(level, threads(), spool, |out| tar::write(self, out))
    }
}

/// Packs a tar that exists already, whatever is in it, by the same recipe as `LayerSpec::pack`.
pub fn compress(mut tar: impl Read, level: Level, spool: &Path) -> Result<Packed, Error> {
    pack(level, threads(), spool, |out| {
        let mut buffer = vec![0; 128 * 1024];
        loop {
            match tar::read(&mut tar, &mut buffer).map_err(Error::Foreign)? {
                0 => return Ok(()),
                got => out.write_all(&buffer[..got]).map_err(Error::Write)?,
            }
        }
    })
}

fn pack(
    level: Level,
    threads: usize,
    spool: &Path,
    fill: impl FnOnce(&mut Filler) -> Result<(), Error>,
) -> Result<Packed, Error> {
    let spoiled = |source| Error::Spool { dir: spool.to_owned(), source };
    let file = tempfile::Builder::new().prefix("layer-").suffix(".tar.gz").tempfile_in(spool).map_err(spoiled)?;
    let hashes = pipeline::run(level, threads, file.as_file(), spoiled, fill)?;
    let diff_id = DiffId::new(hashes.plain.digest());
    let size = hashes.packed.size();
    Ok(Packed { diff_id, digest: hashes.packed.digest(), size, file: file.into_temp_path() })
}

fn threads() -> usize {
    thread::available_parallelism().map_or(1, |n| n.get().min(MAX_THREADS))
}

/// Hashes what is written to it.
#[derive(Default)]
pub(super) struct Hashing(pub(super) Hasher);

impl Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};

    use flate2::read::MultiGzDecoder;

    use super::*;
    use crate::layer::gzip::tests::noise;
    use crate::layer::{Content, Entry, Kind, diff_id};

    fn spec(entries: Vec<Entry>) -> LayerSpec {
        LayerSpec { name: "test".to_owned(), entries }
    }

    fn small() -> LayerSpec {
        let link = |target: &str| Kind::HardLink { target: target.to_owned() };
        spec(vec![
            Entry::directory("app"),
            Entry::file("app/hello.txt", 6, Content::Memory("hello\n".into())),
            Entry::new("app/same.txt", link("app/hello.txt"), 0o644),
            Entry::new("app/to.txt", Kind::Symlink { target: "hello.txt".to_owned() }, 0o777),
            Entry::file(format!("app/{}/größe.txt", "long".repeat(30)), 4, Content::Memory("1 m\n".into())),
        ])
    }

    fn large() -> LayerSpec {
        let text = b"the same words over and over, and then again; ".repeat(100_000);
        let bytes = [text, noise(4 << 20)].concat();
        spec(vec![Entry::file("app/large", bytes.len() as u64, Content::Memory(bytes.into()))])
    }

    fn packed_with(threads: usize, spec: &LayerSpec, spool: &Path) -> Packed {
        pack(Level::default(), threads, spool, |out| tar::write(spec, out)).unwrap()
    }

    fn gunzip(path: &Path) -> Vec<u8> {
        let mut plain = Vec::new();
        MultiGzDecoder::new(File::open(path).unwrap()).read_to_end(&mut plain).unwrap();
        plain
    }

    /// If these change with a new compressor, raise `RECIPE`.
    #[test]
    fn small_layer_has_the_same_digests_for_ever() {
        let spool = tempfile::tempdir().unwrap();
        let packed = small().pack(Level::default(), spool.path()).unwrap();
        assert_eq!(packed.diff_id.as_str(), "sha256:2896d5e2c7e6c8dcf29b1bcd3a93cf3bb0fff2e9d3be17dbe4872903f40706e6");
        assert_eq!(packed.digest.as_str(), "sha256:3710274944f45b08fe002bec84e977c8e11a1e99eab2308607e86905b3f0feef");
        let large = large().pack(Level::default(), spool.path()).unwrap();
        assert_eq!(large.digest.as_str(), "sha256:1abf04607b67c1f91350c8f3b4c209f3c89caf12c753856afe381684799a76b4");
    }

    #[test]
    fn measure_and_pack_agree() {
        let spool = tempfile::tempdir().unwrap();
        for spec in [spec(Vec::new()), small(), large()] {
            assert_eq!(spec.measure().unwrap(), spec.pack(Level::default(), spool.path()).unwrap().diff_id);
        }
    }

    #[test]
    fn blob_does_not_depend_on_the_number_of_threads() {
        let spool = tempfile::tempdir().unwrap();
        let (one, eight) = (packed_with(1, &large(), spool.path()), packed_with(8, &large(), spool.path()));
        assert_eq!(one.digest, eight.digest);
        assert_eq!(fs::read(&one.file).unwrap(), fs::read(&eight.file).unwrap());
    }

    #[test]
    fn blob_of_many_members_unpacks_to_the_tar() {
        let spool = tempfile::tempdir().unwrap();
        let packed = packed_with(2, &large(), spool.path());
        let mut tar = Vec::new();
        tar::write(&large(), &mut tar).unwrap();
        assert_eq!(gunzip(&packed.file), tar);
        let blob = fs::read(&packed.file).unwrap();
        assert_eq!((Digest::of(&blob), blob.len() as u64), (packed.digest, packed.size));
        assert_eq!(diff_id(&blob[..]).unwrap(), packed.diff_id);
        assert!((4 << 20..5 << 20).contains(&blob.len()), "text should vanish and noise stay, got {}", blob.len());
    }

    #[test]
    fn gzip_header_tells_neither_time_nor_name_nor_system() {
        let spool = tempfile::tempdir().unwrap();
        let blob = fs::read(&small().pack(Level::default(), spool.path()).unwrap().file).unwrap();
        assert_eq!(blob[..10], [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);
    }

    #[test]
    fn existing_tar_is_packed_by_the_same_recipe() {
        let spool = tempfile::tempdir().unwrap();
        let mut tar = Vec::new();
        tar::write(&large(), &mut tar).unwrap();
        let packed = compress(&tar[..], Level::default(), spool.path()).unwrap();
        assert_eq!(packed.digest, packed_with(2, &large(), spool.path()).digest);
    }

    #[test]
    fn stream_of_nothing_is_still_a_gzip_file() {
        let spool = tempfile::tempdir().unwrap();
        let packed = compress(io::empty(), Level::default(), spool.path()).unwrap();
        assert_eq!(gunzip(&packed.file), b"");
        assert_eq!(packed.size, fs::metadata(&packed.file).unwrap().len());
    }

    #[test]
    fn failed_layer_leaves_nothing_in_the_spool() {
        let spool = tempfile::tempdir().unwrap();
        let mut entries = large().entries;
        entries.push(Entry::file("app/z", 5, Content::Memory("four".into())));
        let error = spec(entries).pack(Level::default(), spool.path()).unwrap_err();
        assert!(matches!(error, Error::Changed { .. }), "{error}");
        assert_eq!(fs::read_dir(spool.path()).unwrap().count(), 0);
    }

    #[test]
    fn spool_that_is_not_there_is_named() {
        let error = small().pack(Level::default(), Path::new("/no/such/dir")).unwrap_err();
        assert!(matches!(&error, Error::Spool { .. }) && error.to_string().contains("/no/such/dir"), "{error}");
    }

    /// Fails once some bytes went through, as a full disk does.
    struct Full(usize);

    impl Write for Full {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 = self.0.checked_sub(bytes.len()).ok_or(io::ErrorKind::StorageFull)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn full_disk_ends_the_work_and_is_the_error_that_is_told() {
        let spec = large();
        for room in [0, 3 << 20] {
            let spoiled = |source| Error::Spool { dir: "spool".into(), source };
            let result = pipeline::run(Level::default(), 2, Full(room), spoiled, |out| tar::write(&spec, out));
            let error = result.err().expect("there was not room for all of it");
            assert!(matches!(error, Error::Spool { source, .. } if source.kind() == io::ErrorKind::StorageFull));
        }
    }
}
