//! A task's network as seen from outside of it. Connections are made on sockets that the keeper of the namespace
//! has opened: they belong to the namespace, though it is this process that holds and connects them. No veth, no
//! forwarded port, nothing for anyone else to reach.

use std::io::{self, IoSliceMut};
use std::mem::MaybeUninit;
use std::net::{Ipv4Addr, SocketAddr, TcpStream as Plain};
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};
use tokio::io::Interest;
use tokio::net::{TcpSocket, TcpStream, UnixStream};
use tokio::sync::Mutex;

use super::peer::Peer;
use super::wire::{NetworkSpec, Word};
use super::{Error, Ground};

pub struct Network {
    address: Ipv4Addr,
    /// None for the host's network.
    keeper: Option<(u32, Mutex<Option<Peer>>)>,
}

impl Network {
    /// With an address the task is spoken to there, as a load balancer would: a program that listens on localhost
    /// alone is out of reach here as it would be in ECS.
    pub async fn open(program: &Path, ground: &Ground, address: Option<Ipv4Addr>) -> Result<Self, Error> {
        if !ground.network {
            return Ok(Network::of_host());
        }
        let spec = NetworkSpec { ground: ground.clone(), address };
        let refuse = |why: String| Error::Child { what: "cannot make a network namespace", why };
        let mut peer = Peer::start(program, "network", &spec).await.map_err(|why| refuse(why.to_string()))?;
        match peer.hear().await {
            Ok(Word::Ready) => {}
            Ok(Word::Failed(why)) | Err(why) => return Err(refuse(why)),
            Ok(_) => return Err(refuse("it said something else".into())),
        }
        let keeper = Some((peer.id(), Mutex::new(Some(peer))));
        Ok(Network { address: address.unwrap_or(Ipv4Addr::LOCALHOST), keeper })
    }

    /// The host's own.
    pub fn of_host() -> Self {
        Network { address: Ipv4Addr::LOCALHOST, keeper: None }
    }

    pub fn address(&self) -> Ipv4Addr {
        self.address
    }

    /// The process whose namespace it is.
    pub fn keeper(&self) -> Option<u32> {
        self.keeper.as_ref().map(|(id, _)| *id)
    }

    pub async fn connect(&self, port: u16) -> io::Result<TcpStream> {
        let target = SocketAddr::from((self.address, port));
        let stream = match &self.keeper {
            None => TcpStream::connect(target).await?,
            Some((_, peer)) => {
                let mut peer = peer.lock().await;
                let peer = peer.as_mut().ok_or(io::ErrorKind::NotConnected)?;
                let socket = socket(peer).await?;
                TcpSocket::from_std_stream(Plain::from(socket)).connect(target).await?
            }
        };
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    /// Nobody gets in any more. The namespace itself ends with the last process in it.
    pub async fn close(&self) {
        if let Some((_, peer)) = &self.keeper
            && let Some(peer) = peer.lock().await.take()
        {
            peer.end().await;
        }
    }
}

/// One socket from the keeper. Should the wait be given up, its socket is left for the next to ask, and is as good.
async fn socket(peer: &mut Peer) -> io::Result<OwnedFd> {
    peer.send(1).await?;
    let channel = peer.socket();
    channel.async_io(Interest::READABLE, || receive(channel)).await
}

fn receive(channel: &UnixStream) -> io::Result<OwnedFd> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut byte = [0];
    let got = recvmsg(channel, &mut [IoSliceMut::new(&mut byte)], &mut control, RecvFlags::CMSG_CLOEXEC)?;
    if got.bytes == 0 {
        return Err(io::Error::new(io::ErrorKind::NotConnected, "the task's network is gone"));
    }
    let rights = control.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut fds) => fds.next(),
        _ => None,
    });
    rights.ok_or_else(|| io::Error::other("no socket came"))
}
