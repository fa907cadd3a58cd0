//! Keeps a task's network namespace: loopback up, the task's address on it, and no way out or in. Whoever wants
//! to reach the task asks for a socket: one made in here stays in here wherever it is connected from, so the
//! balancer gets into the namespace without the namespace getting an address outside.

use std::fs;
use std::io::IoSlice;
use std::net::Ipv4Addr;
use std::os::fd::{AsFd, OwnedFd};

use rustix::net::{
    AddressFamily, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketFlags, SocketType, netlink,
    recv, sendmsg, sendto, socket_with,
};
use rustix::thread::UnshareFlags;

use super::{Attempt, at, namespace, say, socket, told};
use crate::sandbox::run::wire::{NetworkSpec, Word};

pub fn run() -> Attempt<u8> {
    let spec: NetworkSpec = told()?;
    if spec.ground.user {
        namespace::become_root()?;
    }
    at("network namespace", namespace::unshare(UnshareFlags::NEWNET))?;
    at("loopback", ask_kernel(&link_up()))?;
    if let Some(address) = spec.address {
        at("address", ask_kernel(&new_address(address)))?;
    }
    // As in a container engine: a port below 1024 takes no privilege. Older kernels do not have it.
    let _ = fs::write("/proc/sys/net/ipv4/ip_unprivileged_port_start", "0");
    say(&Word::Ready);
    let mut wish = [0];
    while at("socket", rustix::io::read(socket(), &mut wish))? == 1 {
        give()?;
    }
    Ok(0)
}

/// Hands out one TCP socket that has not been connected yet.
fn give() -> Attempt<()> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let made = at("socket", socket_with(AddressFamily::INET, SocketType::STREAM, flags, None))?;
    let fds = [made.as_fd()];
    let mut space = [std::mem::MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    control.push(SendAncillaryMessage::ScmRights(&fds));
    at("sendmsg", sendmsg(socket(), &[IoSlice::new(&[1])], &mut control, SendFlags::NOSIGNAL)).map(drop)
}

/// The interface with index 1 is a namespace's loopback.
const LOOPBACK: u32 = 1;
/// NLM_F_REQUEST and NLM_F_ACK.
const ASK: u16 = 1 | 4;

/// RTM_NEWLINK: `ifinfomsg` with IFF_UP set and meant. See rtnetlink(7).
fn link_up() -> Vec<u8> {
    let words = [0, LOOPBACK, 1, 1];
    message(16, ASK, words.iter().flat_map(|word: &u32| word.to_ne_bytes()).collect())
}

/// RTM_NEWADDR: `ifaddrmsg` and one attribute, IFA_LOCAL; NLM_F_CREATE and NLM_F_EXCL.
fn new_address(address: Ipv4Addr) -> Vec<u8> {
    let (family, prefix) = (2, 32);
    let mut body = vec![family, prefix, 0, 0];
    body.extend(LOOPBACK.to_ne_bytes());
    body.extend(8_u16.to_ne_bytes());
    body.extend(2_u16.to_ne_bytes());
    body.extend(address.octets());
    message(20, ASK | 0x400 | 0x200, body)
}

fn message(kind: u16, flags: u16, body: Vec<u8>) -> Vec<u8> {
    let mut message = Vec::from((16 + body.len() as u32).to_ne_bytes());
    message.extend(kind.to_ne_bytes());
    message.extend(flags.to_ne_bytes());
    message.extend([0; 8]);
    message.extend(body);
    message
}

/// One request to the kernel's routing, and its answer: a negative error number, or 0.
fn ask_kernel(message: &[u8]) -> std::io::Result<()> {
    let flags = SocketFlags::CLOEXEC;
    let kernel: OwnedFd = socket_with(AddressFamily::NETLINK, SocketType::RAW, flags, None)?;
    sendto(&kernel, message, SendFlags::empty(), &netlink::SocketAddrNetlink::new(0, 0))?;
    let mut answer = [0_u8; 4096];
    let (got, _) = recv(&kernel, &mut answer[..], RecvFlags::empty())?;
    let error = answer[..got].get(16..20).and_then(|bytes| bytes.try_into().ok()).map(i32::from_ne_bytes);
    match error {
        Some(0) => Ok(()),
        Some(number) => Err(std::io::Error::from_raw_os_error(-number)),
        None => Err(std::io::Error::other("a short answer")),
    }
}
