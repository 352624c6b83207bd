//! The image loader, and decisions with images that were not compiled.
//!
//! An image that loads decides every request, and names only rules that it contains. Its gate
//! configuration may be rejected; if it is accepted, the gate decides every request, too.

use tollgate_core::image::format::{CHECKSUM_AT, HEADER_BYTES, SECTIONS_AT, Section, checksum};
use tollgate_core::{Image, Reason, UnixSeconds};
use tollgate_gate::{Context, Gate, Kind, Request};

use crate::{ask, change, site};

/// Loads the bytes, and evaluates requests.
pub fn check(data: &[u8]) {
    let Ok(image) = Image::from_bytes(data) else {
        return;
    };
    ask::all(&image);
    let Ok(gate) = Gate::new(data, &site::Provider) else {
        return;
    };
    let token = format!("Bearer {}", site::token(r#""cognito:groups":["rust-101"]"#));
    let headers: [&[(&str, &[u8])]; 2] = [&[], &[("authorization", token.as_bytes())]];
    for headers in headers {
        let request = Request {
            method: "GET",
            target: b"/courses/rust-101/a",
            headers,
            ip: None,
            now: UnixSeconds(site::NOW),
            entropy: None,
        };
        let outcome = gate.ask(&request, &mut Context::new());
        assert_eq!(outcome.kind == Kind::Allow, outcome.reason == Reason::Allow);
    }
}

/// Mutates one section, and corrects lengths, offsets and checksum.
pub fn mutate(data: &mut [u8], size: usize, max_size: usize, seed: u32) -> usize {
    let image = data.get(..size).and_then(sections);
    let Some((mut header, mut sections)) = image.filter(|_| !seed.is_multiple_of(16)) else {
        return libfuzzer_sys::fuzzer_mutate(data, size, max_size);
    };
    let room = max_size.saturating_sub(size);
    let at = seed as usize / 16 % (Section::COUNT + 1);
    match (sections.get_mut(at), Section::ALL.get(at)) {
        (Some(bytes), Some(section)) => {
            *bytes = change::changed(bytes, room);
            bytes.truncate(bytes.len() / section.record_bytes() * section.record_bytes());
        }
        // The flags, and the maximum probe length.
        _ => header = change::changed(&header, 0),
    }
    header.resize(SECTIONS_AT, 0);
    change::put(&whole(header, &sections), data, size, max_size)
}

/// The header before the section table, and the bytes of each section.
fn sections(image: &[u8]) -> Option<(Vec<u8>, Vec<Vec<u8>>)> {
    let header = image.get(..SECTIONS_AT)?.to_vec();
    let mut rest = image.get(HEADER_BYTES..)?;
    let mut sections = Vec::new();
    for at in (SECTIONS_AT..HEADER_BYTES).step_by(8) {
        let len = u32::from_le_bytes(image.get(at + 4..at + 8)?.try_into().ok()?);
        let (section, after) = rest.split_at_checked(len as usize)?;
        sections.push(section.to_vec());
        rest = after;
    }
    Some((header, sections))
}

fn whole(header: Vec<u8>, sections: &[Vec<u8>]) -> Vec<u8> {
    let mut image = header;
    let mut start = HEADER_BYTES;
    for section in sections {
        image.extend((start as u32).to_le_bytes());
        image.extend((section.len() as u32).to_le_bytes());
        start += section.len();
    }
    image.extend(sections.concat());
    let length = image.len() as u32;
    put(&mut image, 12, &length.to_le_bytes());
    let sum = checksum(&image);
    put(&mut image, CHECKSUM_AT, &sum.to_le_bytes());
    image
}

fn put(image: &mut [u8], at: usize, bytes: &[u8]) {
    if let Some(room) = image.get_mut(at..at + bytes.len()) {
        room.copy_from_slice(bytes);
    }
}
