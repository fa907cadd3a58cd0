//! The listeners, one for each port of a service, and where they listen. Ports are chosen once and remembered in
//! the sandbox's directory, so an address stays good over restarts.

use std::collections::BTreeMap;
use std::fs;
use std::net::{Ipv4Addr, TcpListener as Plain};
use std::path::PathBuf;
use std::sync::Arc;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde::Serialize;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::pick::{Group, Table};
use super::proxy;
use crate::clock::Clock;
use crate::sandbox::run::Error;

/// Where a service is reached: `cluster/service:port` and an address on loopback.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Front {
    pub name: String,
    pub url: String,
}

pub struct Fronts {
    file: PathBuf,
    clock: Clock,
    ports: BTreeMap<String, u16>,
    open: BTreeMap<String, Open>,
}

struct Open {
    port: u16,
    table: Arc<Table>,
    listener: tokio::task::JoinHandle<()>,
}

impl Fronts {
    pub fn new(file: PathBuf, clock: Clock) -> Self {
        let ports = fs::read(&file).ok().and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default();
        Fronts { file, clock, ports, open: BTreeMap::new() }
    }

    /// Shares requests out among these from now on. The first time, a listener is opened.
    pub fn set(&mut self, name: &str, groups: Vec<Group>) -> Result<(), Error> {
        if !self.open.contains_key(name) {
            self.listen(name)?;
        }
        if let Some(open) = self.open.get(name) {
            open.table.set(groups);
        }
        Ok(())
    }

    /// Those of services that nothing is wanted of any more have no targets, and say so.
    pub fn keep_only(&self, names: &[String]) {
        let idle = self.open.iter().filter(|(name, _)| !names.contains(name));
        idle.for_each(|(_, open)| open.table.set(Vec::new()));
    }

    pub fn list(&self) -> Vec<Front> {
        let front = |(name, open): (&String, &Open)| Front {
            name: name.clone(),
            url: format!("http://127.0.0.1:{}", open.port),
        };
        self.open.iter().map(front).collect()
    }

    fn listen(&mut self, name: &str) -> Result<(), Error> {
        let bind = |port| Plain::bind((Ipv4Addr::LOCALHOST, port));
        let known = self.ports.get(name).and_then(|port| bind(*port).ok());
        let refuse = |why: std::io::Error| Error::Child { what: "cannot listen on loopback", why: why.to_string() };
        let listener = known.map_or_else(|| bind(0), Ok).map_err(refuse)?;
        listener.set_nonblocking(true).map_err(refuse)?;
        let port = listener.local_addr().map_err(refuse)?.port();
        let table = Arc::new(Table::default());
        let listener = TcpListener::from_std(listener).map_err(refuse)?;
        let listener = tokio::spawn(accept(listener, table.clone(), self.clock.clone()));
        self.open.insert(name.to_owned(), Open { port, table, listener });
        self.ports.insert(name.to_owned(), port);
        let text = serde_json::to_vec_pretty(&self.ports).expect("ports are plain JSON");
        fs::write(&self.file, text).map_err(Error::file(&self.file))
    }
}

impl Drop for Fronts {
    fn drop(&mut self) {
        self.open.values().for_each(|open| open.listener.abort());
    }
}

async fn accept(listener: TcpListener, table: Arc<Table>, clock: Clock) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => drop(connections.spawn(serve(stream, table.clone()))),
                // Out of file descriptors, most likely: others have to be closed first.
                Err(_) => clock.sleep(std::time::Duration::from_millis(50)).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn serve(stream: TcpStream, table: Arc<Table>) {
    let _ = stream.set_nodelay(true);
    let Ok(client) = stream.peer_addr() else { return };
    let service = service_fn(|request| proxy::forward(&table, request, client));
    // An error is a client that went away.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).with_upgrades().await;
}
