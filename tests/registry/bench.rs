//! Not a test of behaviour: how fast blobs go out, to a registry next door and to one 20 ms away. Run with
//! `--ignored --nocapture upload_speed`.

use std::time::{Duration, Instant};

use dockless::registry::Body;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use super::{Bench, blob, noise, repository};
use crate::support::docker_registry::DockerRegistry;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement"]
async fn upload_speed_over_tls() {
    let server = DockerRegistry::start_tls("token");
    let far = distant(server.host().to_owned(), Duration::from_millis(10)).await;
    for (round, host) in [server.host(), server.host(), server.host(), &far, &far, &far].into_iter().enumerate() {
        let bench = Bench::trusting(&["token"], server.certificate());
        let to = repository(host, "speed");
        let pushes = (0..4_u8).map(|part| {
            let mut bytes = noise(64 * 1024 * 1024);
            bytes[0] = round as u8 * 4 + part;
            let (client, to, descriptor, body) = (bench.client.clone(), to.clone(), blob(&bytes), Body::bytes(bytes));
            async move { client.push_blob(&to, &descriptor, &body).await.unwrap() }
        });
        let made: Vec<_> = pushes.collect();
        let begin = Instant::now();
        futures_util::future::join_all(made).await;
        println!("4 × 64 MiB to {host} in {:?}", begin.elapsed());
    }
}

#[tokio::test]
#[ignore = "a measurement"]
async fn upload_memory_of_a_large_file() {
    let server = DockerRegistry::start();
    let bench = Bench::new(&[]);
    let (file, piece) = (tempfile::NamedTempFile::new().unwrap(), noise(1 << 20));
    let mut hasher = dockless::image::Hasher::default();
    for _ in 0..1024 {
        std::io::Write::write_all(&mut file.as_file(), &piece).unwrap();
        hasher.update(&piece);
    }
    let mut descriptor = blob(b"");
    (descriptor.size, descriptor.digest) = (hasher.size(), hasher.digest());
    let (before, begin) = (peak(), Instant::now());
    let body = Body::file(file.path(), descriptor.size);
    bench.client.push_blob(&repository(server.host(), "large"), &descriptor, &body).await.unwrap();
    println!("1 GiB in {:?}, peak memory {} KiB before, {} KiB after", begin.elapsed(), before, peak());
}

/// The most memory that this process has had, KiB.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// An address that leads to `host`, this much time away in each direction.
async fn distant(host: String, delay: Duration) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        while let Ok((near, _)) = listener.accept().await {
            let far = TcpStream::connect(&host).await.unwrap();
            let ((near_in, near_out), (far_in, far_out)) = (near.into_split(), far.into_split());
            tokio::spawn(late(near_in, far_out, delay));
            tokio::spawn(late(far_in, near_out, delay));
        }
    });
    address
}

async fn late(
    mut from: tokio::net::tcp::OwnedReadHalf,
    mut to: tokio::net::tcp::OwnedWriteHalf,
    delay: Duration,
) -> std::io::Result<()> {
    let (out, mut pieces) = mpsc::channel::<(tokio::time::Instant, Vec<u8>)>(256);
    tokio::spawn(async move {
        while let Some((when, piece)) = pieces.recv().await {
            tokio::time::sleep_until(when).await;
            copy(&mut piece.as_slice(), &mut to).await?;
        }
        to.shutdown().await
    });
    loop {
        let mut piece = vec![0; 64 * 1024];
        let size = from.read(&mut piece).await?;
        if size == 0 {
            return Ok(());
        }
        piece.truncate(size);
        let _ = out.send((tokio::time::Instant::now() + delay, piece)).await;
    }
}
