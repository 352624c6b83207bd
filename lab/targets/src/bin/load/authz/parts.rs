//! The parts of the test: what is done to the service, and what must hold meanwhile.

use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;
use std::thread;
use std::time::Instant;

use anyhow::{Context, Result};
use serde_json::json;
use tollgate_lab_http::{self as http, Connection};
use tollgate_targets::live::issuer::Signed;
use tollgate_targets::live::site::{LESSON, OTHER};

use super::asks::{self, Ask, End, Seen, while_asking};
use super::proxy::{Kind, Proxy};
use super::service::Service;
use super::{Setup, Verdict};

/// The time for a reload: two looks at the file.
const RELOAD: Duration = Duration::from_millis(2_500);
/// The longest that a question may take that needs no key.
const PROMPT: Duration = Duration::from_secs(2);
/// The longest that a question with an unknown key may take: the gate waits one second.
const PATIENT: Duration = Duration::from_secs(5);

/// The service ends at once and is started again, while a proxy asks it.
pub(super) fn kill(setup: &Setup<'_>, kind: Kind) -> Result<Verdict> {
    let program = match kind {
        Kind::Nginx => setup.nginx,
        Kind::Envoy => setup.envoy.context("no program `envoy`")?,
    };
    let mut service = Service::start(setup.tollgate, setup.older.image(), &[], None)?;
    let proxy = Proxy::start(
        kind,
        program,
        setup.tollgate,
        setup.older.file(),
        [service.address, setup.origin],
    )?;
    let good = setup.tokens.good.first().map(String::as_str);
    let well = [
        Ask::request("lesson", LESSON, good, &[200]),
        Ask::request("other group", OTHER, good, &[403]),
        Ask::request("nobody's lesson", LESSON, None, &[401]),
    ];
    let any = [
        Ask::request("lesson", LESSON, good, &[200, 503]),
        Ask::request("other group", OTHER, good, &[403, 503]),
        Ask::request("nobody's lesson", LESSON, None, &[401, 503]),
    ];
    let down = [
        Ask::request("lesson, down", LESSON, good, &[503]),
        Ask::request("other group, down", OTHER, good, &[503]),
        Ask::request("nobody's lesson, down", LESSON, None, &[503]),
    ];
    let pause = Duration::from_millis(700);
    let ask = |asks: &[Ask], work: &mut dyn FnMut() -> Result<Duration>| {
        while_asking(proxy.address, asks, 3, &End::default(), work)
    };
    let wait = |time| {
        move || {
            thread::sleep(time);
            Ok(time)
        }
    };
    let (_, before) = ask(&well, &mut wait(pause))?;
    // Requests are in flight while it is killed, and while it starts.
    let (_, during) = ask(&any, &mut || {
        thread::sleep(Duration::from_millis(100));
        service.kill()?;
        thread::sleep(Duration::from_millis(200));
        Ok(Duration::ZERO)
    })?;
    let (_, dead) = ask(&down, &mut wait(pause))?;
    let (recovered, starting) = ask(&any, &mut || {
        service.restart()?;
        let began = Instant::now();
        while began.elapsed() < PATIENT {
            let token = format!("Bearer {}", good.unwrap_or_default());
            let fields: [(&str, &[u8]); 1] = [("authorization", token.as_bytes())];
            let reply = http::send(proxy.address, "GET", LESSON.as_bytes(), &fields, b"");
            if reply.is_ok_and(|reply| reply.status == 200) {
                break;
            }
            thread::sleep(Duration::from_millis(5));
        }
        Ok(began.elapsed())
    })?;
    let (_, after) = ask(&well, &mut wait(pause))?;
    let mut verdict = Verdict::new(format!(
        "{} answers, {} of them 503 while it was down; allowed again {} ms after the service was ready",
        [&before, &during, &dead, &starting, &after]
            .map(|seen| seen.answers())
            .iter()
            .sum::<usize>(),
        [&during, &dead, &starting]
            .map(|seen| seen.count(503))
            .iter()
            .sum::<u64>(),
        recovered.as_millis()
    ));
    verdict.expect(recovered < PATIENT, "the proxy does not recover");
    verdict.expect(dead.answers() > 0, "no answer while it was down");
    for seen in [before, during, dead, starting, after] {
        verdict.add(&seen);
    }
    service.check_alive()?;
    Ok(verdict)
}

/// The policy is replaced again and again, and SIGHUP arrives at other times.
pub(super) fn reload(setup: &Setup<'_>, requests: u64) -> Result<Verdict> {
    let mut service = Service::start(setup.tollgate, setup.older.image(), &[], None)?;
    let mut asks = asks::usual(&setup.tokens);
    for good in &setup.tokens.good {
        asks.push(asks::newer(good, &[200, 403]));
    }
    let is_over = AtomicBool::new(false);
    let (replaced, seen) = thread::scope(|scope| {
        let replacing = scope.spawn(|| -> Result<u32> {
            let mut count = 0;
            while !is_over.load(Ordering::SeqCst) {
                let next = match count % 2 {
                    0 => &setup.newer,
                    _ => &setup.older,
                };
                service.replace(next.image())?;
                thread::sleep(Duration::from_millis(50));
                service.hang_up()?;
                thread::sleep(Duration::from_millis(50));
                count += 1;
            }
            Ok(count)
        });
        let asked = while_asking(service.address, &asks, 3, &End::after(requests), || Ok(()));
        is_over.store(true, Ordering::SeqCst);
        let replaced = replacing.join().ok().context("a thread panicked")??;
        Ok::<_, anyhow::Error>((replaced, asked?.1))
    })?;
    let changed = service.metric("tollgate_reloads_total{result=\"changed\"}")?;
    let mut verdict = Verdict::new(format!(
        "{} answers while the policy was replaced {replaced} times; {changed} reloads changed it",
        seen.answers()
    ));
    verdict.expect(
        changed * 2.0 >= f64::from(replaced) - 2.0,
        "fewer than half of the replaced policies were loaded",
    );
    verdict.add(&seen);
    // The last one is in use in the end.
    let good = setup.tokens.good.first().map_or("", String::as_str);
    service.replace(setup.newer.image())?;
    thread::sleep(RELOAD);
    let last = [asks::newer(good, &[200])];
    let (_, seen) = while_asking(service.address, &last, 1, &End::after(5), || Ok(()))?;
    verdict.add(&seen);
    service.check_alive()?;
    Ok(verdict)
}

/// Images that are no policy leave the old one in use.
pub(super) fn invalid(setup: &Setup<'_>) -> Result<Verdict> {
    let mut service = Service::start(setup.tollgate, setup.newer.image(), &[], None)?;
    let good = setup.tokens.good.first().map_or("", String::as_str);
    let asks = [asks::newer(good, &[200])];
    let image = setup.older.image();
    let half = image.get(..image.len() / 2).unwrap_or_default();
    let mut flipped = image.to_vec();
    if let Some(byte) = flipped.get_mut(image.len() / 2) {
        *byte ^= 1;
    }
    let mut verdict = Verdict::new(String::new());
    let bad: [(&str, &[u8]); 4] = [
        ("empty", b""),
        ("garbage", b"not an image"),
        ("truncated", half),
        ("changed", &flipped),
    ];
    for (what, bytes) in bad {
        service.replace(bytes)?;
        let (_, seen) = while_asking(service.address, &asks, 2, &End::default(), || {
            thread::sleep(Duration::from_millis(1_200));
            service.hang_up()?;
            thread::sleep(Duration::from_millis(100));
            Ok(())
        })?;
        verdict.add(&seen);
        let ready = http::send(service.address, "GET", b"/readyz", &[], b"")?;
        verdict.expect(ready.status == 200, what);
    }
    let failed = service.metric("tollgate_reloads_total{result=\"failed\"}")?;
    verdict.expect(
        failed >= bad.len() as f64,
        "a failed reload was not counted",
    );
    verdict.detail = format!(
        "{} invalid images, {failed} failed reloads counted; the old policy stayed in use",
        bad.len()
    );
    service.replace(image)?;
    thread::sleep(RELOAD);
    let asks = [asks::newer(good, &[403])];
    let (_, seen) = while_asking(service.address, &asks, 1, &End::after(5), || Ok(()))?;
    verdict.add(&seen);
    service.check_alive()?;
    Ok(verdict)
}

/// The issuer fails while tokens name unknown keys.
pub(super) fn issuer(setup: &mut Setup<'_>) -> Result<Verdict> {
    let faults = [
        ("refused", None),
        ("slow", Some(json!({ "kind": "slow", "ms": 30_000 }))),
        ("500", Some(json!({ "kind": "status", "status": 500 }))),
        ("garbage", Some(json!({ "kind": "garbage" }))),
        ("huge", Some(json!({ "kind": "huge" }))),
    ];
    let usual = asks::usual(&setup.tokens);
    let mut unknown = Vec::new();
    for _ in 0..8 {
        let token = setup.stranger.token("alice", Signed::Older)?;
        unknown.push(asks::unknown(&token));
    }
    let mut verdict = Verdict::new(String::new());
    let mut slowest = [0; 2];
    for (name, fault) in &faults {
        // A new service, because a fetch that failed is not repeated at once.
        let mut service = Service::start(setup.tollgate, setup.older.image(), &[], None)?;
        match fault {
            Some(fault) => setup.issuer.fault(fault)?,
            None => setup.issuer.stop(),
        }
        let asked = while_asking(service.address, &unknown, 2, &End::default(), || {
            let end = End::default();
            while_asking(service.address, &usual, 2, &end, || {
                thread::sleep(Duration::from_millis(1_500));
                Ok(())
            })
        });
        setup.issuer.resume()?;
        let (((), known), unknown) = asked?;
        for ((seen, most), slowest) in [(&known, PROMPT), (&unknown, PATIENT)]
            .iter()
            .zip(&mut slowest)
        {
            let longest = seen.micros.iter().max().copied().unwrap_or(0);
            *slowest = longest.max(*slowest);
            verdict.expect(u128::from(longest) < most.as_micros(), name);
            verdict.expect(seen.answers() > 0, name);
            verdict.add(seen);
        }
        service.check_alive()?;
    }
    let [known, unknown] = slowest.map(|micros| micros / 1_000);
    verdict.detail = format!(
        "{} faults; slowest answer {known} ms with a known key, {unknown} ms with an unknown one",
        faults.len()
    );
    Ok(verdict)
}

/// Clients whose request never ends, one byte per second.
pub(super) fn slow(setup: &Setup<'_>, clients: usize, time: Duration) -> Result<Verdict> {
    let mut service = Service::start(setup.tollgate, setup.older.image(), &[], None)?;
    let heads: [&[u8]; 4] = [
        b"GET /auth/nginx HTTP/1.1\r\nx-slow: ",
        b"G",
        b"PRI * HTTP/2.0\r\n",
        b"POST /access/v1/evaluation HTTP/1.1\r\nhost: a\r\ncontent-length: 1000\r\n\r\n{",
    ];
    let mut slow = Vec::new();
    for head in heads.iter().cycle().take(clients) {
        let mut connection = Connection::open(service.address, PATIENT)?;
        connection.send_bytes(head)?;
        slow.push((*head, Some(connection)));
    }
    let before = service.resident_kib();
    let asks = asks::usual(&setup.tokens);
    let began = Instant::now();
    let (closed, seen) = while_asking(service.address, &asks, 2, &End::default(), || {
        let mut closed = Vec::new();
        while began.elapsed() < time {
            thread::sleep(Duration::from_secs(1));
            for (head, open) in &mut slow {
                // The second write after the end fails.
                if let Some(connection) = open
                    && connection.send_bytes(b" ").is_err()
                {
                    *open = None;
                    closed.push((*head, began.elapsed()));
                }
            }
        }
        Ok(closed)
    })?;
    let (half, most) = seen.quantiles();
    let mut verdict = Verdict::new(format!(
        "{clients} slow clients, {} s: {} others answered, p50 {half} µs, p99 {most} µs; {} slow connections closed by \
         the server; {} KiB more memory",
        time.as_secs(),
        seen.answers(),
        closed.len(),
        service.resident_kib().saturating_sub(before)
    ));
    for head in heads {
        let ends = closed.iter().filter(|(own, _)| *own == head);
        if let Some(last) = ends.map(|(_, at)| at.as_secs()).max() {
            let text = String::from_utf8_lossy(head);
            let first = text.lines().next().unwrap_or_default();
            verdict.detail += &format!("; `{first}` closed after at most {last} s");
        } else if time > super::HEAD_TIMEOUT + Duration::from_secs(15) {
            let text = String::from_utf8_lossy(head).replace("\r\n", " ");
            verdict.expect(false, &format!("never closed: `{text}`"));
        }
    }
    verdict.expect(u128::from(most) < PROMPT.as_micros(), "others wait");
    verdict.add(&seen);
    service.check_alive()?;
    Ok(verdict)
}

/// Connections that were used once and stay open.
pub(super) fn idle(
    setup: &Setup<'_>,
    connections: usize,
    open_files: Option<u32>,
) -> Result<Verdict> {
    let mut service = Service::start(setup.tollgate, setup.older.image(), &[], open_files)?;
    let before = service.resident_kib();
    let mut idle = Vec::new();
    let mut verdict = Verdict::new(String::new());
    for _ in 0..connections {
        let patience = Duration::from_secs(5);
        let opened = Connection::open(service.address, patience).and_then(|mut connection| {
            connection.send("GET", b"/healthz", &[], b"")?;
            connection.reply(1_024)?;
            Ok(connection)
        });
        match opened {
            Ok(connection) => idle.push(connection),
            Err(error) => {
                verdict.expect(
                    false,
                    &format!("connection {} is not served: {error:#}", idle.len()),
                );
                break;
            }
        }
    }
    let per_connection = (service.resident_kib().saturating_sub(before)) as f64 / idle.len() as f64;
    let mut seen = Seen::default();
    if verdict.is_good() {
        let asks = asks::usual(&setup.tokens);
        ((), seen) = while_asking(service.address, &asks, 3, &End::after(5_000), || Ok(()))?;
        verdict.add(&seen);
        let (_, most) = seen.quantiles();
        verdict.expect(u128::from(most) < PROMPT.as_micros(), "others wait");
    }
    let (half, most) = seen.quantiles();
    verdict.detail = format!(
        "{} idle connections, {per_connection:.1} KiB each; {} others answered, p50 {half} µs, p99 {most} µs",
        idle.len(),
        seen.answers()
    );
    service.check_alive()?;
    Ok(verdict)
}

/// Heads that are too long, or have too many lines.
pub(super) fn heads(setup: &Setup<'_>) -> Result<Verdict> {
    let upstream = format!("http://{}", setup.origin);
    let mut verdict = Verdict::new(String::new());
    let long = |name: &str, bytes: usize| format!("{name}: {}\r\n", "a".repeat(bytes));
    let many = |lines: usize| -> String { (0..lines).map(|at| format!("x-{at}: a\r\n")).collect() };
    let cases = [
        ("60 KiB", long("x-long", 60 * 1_024), None),
        ("70 KiB", long("x-long", 70 * 1_024), Some(431)),
        ("10 MB", long("x-long", 10_000_000), Some(431)),
        ("90 lines", many(90), None),
        ("200 lines", many(200), Some(431)),
    ];
    for more in [&[][..], &["--upstream", &upstream]] {
        let mut service = Service::start(setup.tollgate, setup.older.image(), more, None)?;
        let target = if more.is_empty() {
            "/auth/nginx"
        } else {
            "/open/a"
        };
        for (what, lines, expected) in &cases {
            let mut connection = Connection::open(service.address, PATIENT)?;
            let head = format!(
                "GET {target} HTTP/1.1\r\nhost: a\r\nx-original-method: GET\r\nx-original-uri: /open/a\r\n{lines}\r\n"
            );
            // The server may answer and close before it has read everything.
            let sent = connection.send_bytes(head.as_bytes());
            let status = connection.reply(65_536).map(|reply| reply.status);
            let is_right = match (expected, &status) {
                (None, Ok(status)) => *status == 200 || !more.is_empty() && *status == 400,
                (Some(expected), Ok(status)) => status == expected,
                // The response is lost if the client still sends when the server closes.
                (Some(_), Err(_)) => sent.is_err() || *what == "10 MB",
                (None, Err(_)) => false,
            };
            verdict.expect(is_right, &format!("{target}, {what}: {status:?}"));
        }
        service.check_alive()?;
    }
    verdict.detail = format!("{} heads at two kinds of server", cases.len());
    Ok(verdict)
}

/// Many requests, while memory is watched.
pub(super) fn flat(setup: &Setup<'_>, requests: u64) -> Result<Verdict> {
    let mut service = Service::start(setup.tollgate, setup.older.image(), &[], None)?;
    let asks = asks::usual(&setup.tokens);
    let is_over = AtomicBool::new(false);
    let began = Instant::now();
    let (samples, seen) = thread::scope(|scope| {
        let sampling = scope.spawn(|| {
            let mut samples = Vec::new();
            while !is_over.load(Ordering::SeqCst) {
                thread::sleep(Duration::from_secs(1));
                samples.push(service.resident_kib());
            }
            samples
        });
        let asked = while_asking(service.address, &asks, 3, &End::after(requests), || Ok(()));
        is_over.store(true, Ordering::SeqCst);
        let samples = sampling.join().ok().context("the sampler panicked")?;
        Ok::<_, anyhow::Error>((samples, asked?.1))
    })?;
    let decile = |number: usize| {
        let (from, to) = (
            samples.len() * number / 10,
            samples.len() * (number + 1) / 10,
        );
        let mut part = samples
            .get(from..to.max(from + 1))
            .unwrap_or_default()
            .to_vec();
        part.sort_unstable();
        part.get(part.len() / 2).copied().unwrap_or(0)
    };
    let (first, second, last) = (decile(0), decile(1), decile(9));
    let secs = began.elapsed().as_secs_f64();
    let (half, most) = seen.quantiles();
    let mut verdict = Verdict::new(format!(
        "{} answers in {secs:.0} s, p50 {half} µs, p99 {most} µs; resident KiB in the first decile of {} samples: {first}, \
         second: {second}, last: {last}",
        seen.answers(),
        samples.len()
    ));
    verdict.expect(
        last <= second + second / 20 + 1_024,
        "memory is not flat after the first decile",
    );
    verdict.add(&seen);
    service.check_alive()?;
    Ok(verdict)
}
