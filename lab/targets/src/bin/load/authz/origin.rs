//! An origin that reads bodies, and returns their length and checksum; and that has a long file.
//!
//! Every other path has the file of the load test.

use core::net::{Ipv4Addr, SocketAddr};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

use anyhow::{Context, Result};

use crate::server::FILE;

/// The path of the long file, which anyone can access.
pub(crate) const LONG: &str = "/open/long";
/// The length of bodies.
pub(crate) const LONG_BYTES: usize = 100 * 1_000 * 1_000;
const PIECE: usize = 65_536;

/// Starts it; it lives as long as this process.
pub(crate) fn start() -> Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port")?;
    let address = listener.local_addr()?;
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // A client may disconnect at any time.
            thread::spawn(move || serve(&stream));
        }
    });
    Ok(address)
}

/// The byte at a position of a body, so that lost and swapped pieces are noticed.
pub(crate) fn byte_at(position: usize) -> u8 {
    (position % 251) as u8
}

/// A checksum in which the position of each byte counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sum {
    pub(crate) bytes: usize,
    sum: u64,
}

impl Sum {
    pub(crate) fn add(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.bytes += 1;
            self.sum = self.sum.wrapping_mul(31).wrapping_add(u64::from(*byte));
        }
    }

    /// The checksum of a long body.
    pub(crate) fn of_long() -> Self {
        let mut sum = Self::default();
        for position in 0..LONG_BYTES {
            sum.add(&[byte_at(position)]);
        }
        sum
    }

    pub(crate) fn text(self) -> String {
        format!("{} {}", self.bytes, self.sum)
    }
}

/// A piece of a long body that starts at a position.
pub(crate) fn piece(position: usize) -> Vec<u8> {
    let end = (position + PIECE).min(LONG_BYTES);
    (position..end).map(byte_at).collect()
}

fn serve(stream: &TcpStream) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream);
    let mut out = stream;
    loop {
        let mut first = String::new();
        if reader.read_line(&mut first)? == 0 {
            return Ok(());
        }
        let (mut length, mut is_chunked) = (0, false);
        loop {
            let mut line = String::new();
            reader.read_line(&mut line)?;
            let line = line.trim_end().to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse()?;
            }
            is_chunked |= line.starts_with("transfer-encoding:");
        }
        let mut sum = Sum::default();
        if is_chunked {
            loop {
                let mut line = String::new();
                reader.read_line(&mut line)?;
                let size = usize::from_str_radix(line.trim(), 16)?;
                pass(&mut reader, size, &mut sum)?;
                reader.read_line(&mut String::new())?;
                if size == 0 {
                    break;
                }
            }
        } else {
            pass(&mut reader, length, &mut sum)?;
        }
        if first.starts_with(&format!("GET {LONG} ")) {
            write!(
                out,
                "HTTP/1.1 200 OK\r\ncontent-length: {LONG_BYTES}\r\n\r\n"
            )?;
            let mut position = 0;
            while position < LONG_BYTES {
                let bytes = piece(position);
                out.write_all(&bytes)?;
                position += bytes.len();
            }
            continue;
        }
        let text = match first.starts_with("POST ") {
            true => sum.text().into_bytes(),
            false => FILE.to_vec(),
        };
        let mut bytes =
            format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", text.len()).into_bytes();
        bytes.extend(text);
        out.write_all(&bytes)?;
    }
}

/// Reads so many bytes.
fn pass(reader: &mut impl Read, length: usize, sum: &mut Sum) -> Result<()> {
    let mut left = length;
    let mut buffer = vec![0; PIECE];
    while left > 0 {
        let most = left.min(PIECE);
        let read = reader.read(buffer.get_mut(..most).unwrap_or_default())?;
        anyhow::ensure!(read > 0, "the body ended early");
        sum.add(buffer.get(..read).unwrap_or_default());
        left -= read;
    }
    Ok(())
}
