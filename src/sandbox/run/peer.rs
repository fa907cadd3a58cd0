//! A child as the runner holds it: the process, and the socket that is its standard input. Dropping it closes the
//! socket, which ends the child and everything it has started.

use std::ffi::OsStr;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream as Pair;
use std::path::Path;
use std::process::Stdio;

use serde::Serialize;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::process::{Child, Command};

use super::Error;
use super::wire::{WORD, Word};

pub struct Peer {
    child: Child,
    socket: BufReader<UnixStream>,
    /// What came of the next line so far.
    line: Vec<u8>,
}

impl Peer {
    /// Starts a child of this kind and tells it what to do.
    pub async fn start(program: &Path, kind: &str, spec: &impl Serialize) -> io::Result<Self> {
        let (ours, theirs) = Pair::pair()?;
        ours.set_nonblocking(true)?;
        let mut command = Command::new(program);
        command.args([OsStr::new(WORD), OsStr::new(kind)]).stdin(Stdio::from(OwnedFd::from(theirs)));
        // Nothing of the sandbox's own environment is for a task.
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).env_clear().spawn()?;
        // The command holds the child's end of the socket as well.
        drop(command);
        let mut socket = BufReader::new(UnixStream::from_std(ours)?);
        let line = serde_json::to_string(spec)? + "\n";
        socket.write_all(line.as_bytes()).await?;
        Ok(Peer { child, socket, line: Vec::new() })
    }

    pub fn id(&self) -> u32 {
        self.child.id().unwrap_or_default()
    }

    /// The next word, or how it comes that there is none. May be given up and asked again.
    pub async fn hear(&mut self) -> Result<Word, String> {
        self.socket.read_until(b'\n', &mut self.line).await.map_err(|why| why.to_string())?;
        let line = std::mem::take(&mut self.line);
        if line.is_empty() {
            return Err("it ended without a word".into());
        }
        serde_json::from_slice(&line).map_err(|why| why.to_string())
    }

    pub async fn send(&mut self, byte: u8) -> io::Result<()> {
        self.socket.write_all(&[byte]).await
    }

    pub fn socket(&self) -> &UnixStream {
        self.socket.get_ref()
    }

    /// Closes the socket and waits until the child is gone.
    pub async fn end(mut self) {
        drop(self.socket);
        let _ = self.child.wait().await;
    }
}

/// Finds out what the machine permits.
pub async fn probe(program: &Path, dir: &Path) -> Result<super::Ground, Error> {
    let spec = super::wire::ProbeSpec { dir: dir.to_owned() };
    let refuse = |why: String| Error::Child { what: "cannot find out what the machine permits", why };
    let mut peer = Peer::start(program, "probe", &spec).await.map_err(|why| refuse(why.to_string()))?;
    let word = peer.hear().await;
    peer.end().await;
    match word {
        Ok(Word::Ground(ground)) => Ok(ground),
        Ok(Word::Failed(why)) | Err(why) => Err(refuse(why)),
        Ok(_) => Err(refuse("it said something else".into())),
    }
}
