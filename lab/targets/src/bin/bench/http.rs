//! Whole requests over HTTP: client, edge and origin on this machine, one request after the other.
//!
//! The network is loopback and the origin answers at once, so what is left is the edge's. Not here: how
//! many requests an edge takes at a time.

use core::net::{Ipv4Addr, SocketAddr};
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Instant;

use anyhow::Result;
use tollgate_targets::Places;
use tollgate_targets::cloudflare::Worker;

use crate::site::Site;

/// What a figure is of.
pub(crate) const NOTE: &str = "whole HTTP request through workerd to an origin and back: open path";
/// What the origin says to everything.
const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// Asks the Worker, as it is deployed, for open paths in turn; nanoseconds, a figure a request.
pub(crate) fn in_workerd(places: &Places, site: &Site, samples: usize) -> Result<Vec<f64>> {
    let mut workerd = Worker::build(places, site.policy.file())?.serve(origin()?)?;
    let mut figures = Vec::with_capacity(samples);
    let turns = site.open.iter().cycle();
    // The first quarter is for code and connections to get warm.
    for (at, target) in turns.take(samples + samples / 4).enumerate() {
        let began = Instant::now();
        workerd.get(target)?;
        if at >= samples / 4 {
            figures.push(began.elapsed().as_nanos() as f64);
        }
    }
    Ok(figures)
}

/// An origin that lives as long as this process.
fn origin() -> Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let place = listener.local_addr()?;
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || answer(&stream));
        }
    });
    Ok(place)
}

/// Answers every request on a connection. A client that goes ends it.
fn answer(stream: &TcpStream) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut lines = BufReader::new(stream).lines();
    let mut out = stream;
    while let Some(line) = lines.next().transpose()? {
        if line.is_empty() {
            out.write_all(ANSWER)?;
        }
    }
    Ok(())
}
