//! Complete requests over HTTP: client, edge and origin on this machine, one request at a time.
//!
//! The network is loopback and the origin responds at once, so the remaining time is the edge's. Not here:
//! concurrent requests.

use std::sync::Arc;
use std::time::Instant;

use anyhow::Result;
use tollgate_lab_http::serve;
use tollgate_targets::Places;
use tollgate_targets::cloudflare::Worker;

use crate::site::Site;

/// The kind of measurement.
pub(crate) const NOTE: &str =
    "complete HTTP request through workerd to an origin and back: open path";
/// Requests open paths in turn from the Worker as deployed; returns nanoseconds, one value per request.
pub(crate) fn in_workerd(places: &Places, site: &Site, samples: usize) -> Result<Vec<f64>> {
    let origin = serve(Arc::new(|_| Some((200, b"ok".to_vec()))))?;
    let mut workerd = Worker::build(places, site.policy.file())?.serve(origin)?;
    let mut figures = Vec::with_capacity(samples);
    let turns = site.open.iter().cycle();
    // The first quarter warms up code and connections.
    for (at, target) in turns.take(samples + samples / 4).enumerate() {
        let began = Instant::now();
        workerd.get(target)?;
        if at >= samples / 4 {
            figures.push(began.elapsed().as_nanos() as f64);
        }
    }
    Ok(figures)
}
