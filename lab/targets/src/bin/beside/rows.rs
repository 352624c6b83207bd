//! Rows of measurements: tables, comparisons with peers, machine-readable JSON.
//!
//! Not here: the measuring itself.

use core::fmt::Write as _;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::subjects::{Group, Part, Running, Subject};
use crate::wrk::Round;

/// How new tokens are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tokens {
    Warm,
    New,
}

impl Tokens {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Warm => "known tokens",
            Self::New => "a new token for each request",
        }
    }

    const fn key(self) -> &'static str {
        match self {
            Self::Warm => "known_token",
            Self::New => "new_token",
        }
    }
}

/// Processor time for one request.
#[derive(Clone, Copy, Default)]
pub(crate) struct Cost {
    pub(crate) proxy_micros: f64,
    pub(crate) decider_micros: f64,
}

/// One measurement.
pub(crate) struct Row {
    name: &'static str,
    group: Group,
    part: Part,
    rules: usize,
    result: Result<Figures, String>,
}

struct Figures {
    tokens: Tokens,
    round: Round,
    cost: Cost,
    rounds: usize,
    /// Of the proxy, and of the decision service.
    resident_kib: [Option<u64>; 2],
    ready_ms: u128,
}

impl Row {
    /// The median round of a subject.
    pub(crate) fn of(
        subject: &Subject,
        rules: usize,
        tokens: Tokens,
        running: &Running,
        mut rounds: Vec<(Round, Cost)>,
    ) -> Result<Self> {
        rounds.sort_by(|(a, _), (b, _)| a.per_second.total_cmp(&b.per_second));
        let (round, _) = *rounds.get(rounds.len() / 2).context("no round")?;
        let median = |of: fn(&Cost) -> f64| {
            let mut costs: Vec<f64> = rounds.iter().map(|(_, cost)| of(cost)).collect();
            costs.sort_by(f64::total_cmp);
            costs.get(costs.len() / 2).copied().unwrap_or(f64::NAN)
        };
        let processes = [&running.proxy, &running.decider];
        let ready = processes.iter().filter_map(|process| process.as_ref());
        Ok(Self {
            name: subject.name,
            group: subject.group,
            part: subject.part,
            rules,
            result: Ok(Figures {
                tokens,
                round,
                cost: Cost {
                    proxy_micros: median(|cost| cost.proxy_micros),
                    decider_micros: median(|cost| cost.decider_micros),
                },
                rounds: rounds.len(),
                resident_kib: processes
                    .map(|process| process.as_ref().map(|process| process.resident_kib())),
                ready_ms: ready
                    .map(|process| process.ready.as_millis())
                    .max()
                    .unwrap_or(0),
            }),
        })
    }

    /// A subject that did not start.
    pub(crate) fn missing(subject: &Subject, rules: usize, why: String) -> Self {
        Self {
            name: subject.name,
            group: subject.group,
            part: subject.part,
            rules,
            result: Err(why),
        }
    }

    fn figures(&self, tokens: Tokens) -> Option<&Figures> {
        let figures = self.result.as_ref().ok()?;
        (figures.tokens == tokens).then_some(figures)
    }
}

/// Returns tables for all sizes and kinds of tokens, and a line for each comparison with a peer.
pub(crate) fn report(rows: &[Row], note: &str) -> String {
    let mut text = format!("{note}; one worker thread in each process\n");
    for tokens in [Tokens::Warm, Tokens::New] {
        for same in rows.chunk_by(|one, next| one.rules == next.rules) {
            let Some(first) = same.first() else { continue };
            _ = write!(
                text,
                "\n{} rules, {}\n{:26} {:>9} {:>8} {:>8} {:>8} {:>9} {:>9} {:>9} {:>9} {:>8}\n",
                first.rules,
                tokens.name(),
                "",
                "req/s",
                "p50 ms",
                "p99 ms",
                "of plain",
                "proxy µs",
                "authz µs",
                "proxy MiB",
                "authz MiB",
                "ready ms"
            );
            for row in same {
                text += &line(row, same, tokens);
            }
            text += &comparisons(same, tokens);
        }
    }
    text
}

/// The row of the same proxy without a decision.
fn plain(rows: &[Row], group: Group, tokens: Tokens) -> Option<f64> {
    let group = match group {
        // Its job is that of a proxy.
        Group::Own => Group::Nginx,
        group => group,
    };
    let mut same = rows.iter().filter(|row| row.group == group);
    let plain = same.find_map(|row| row.figures(tokens))?;
    Some(plain.round.per_second)
}

fn line(row: &Row, rows: &[Row], tokens: Tokens) -> String {
    let figures = match &row.result {
        Err(why) => return format!("{:26} did not start: {why}\n", row.name),
        Ok(figures) if figures.tokens == tokens => figures,
        Ok(_) => return String::new(),
    };
    let Figures {
        tokens: _,
        round,
        cost,
        rounds: _,
        resident_kib,
        ready_ms,
    } = figures;
    let share = plain(rows, row.group, tokens).map(|plain| round.per_second / plain);
    let share = share.map_or(String::new(), |share| format!("{:.0} %", share * 100.0));
    let [proxy, decider] = resident_kib.map(|kib| {
        kib.map_or(String::from("-"), |kib| {
            format!("{:.1}", kib as f64 / 1_024.0)
        })
    });
    format!(
        "{:26} {:>9.0} {:>8.2} {:>8.2} {:>8} {:>9.1} {:>9.1} {:>9} {:>9} {:>8}\n",
        row.name,
        round.per_second,
        round.p50_micros / 1e3,
        round.p99_micros / 1e3,
        share,
        cost.proxy_micros,
        cost.decider_micros,
        proxy,
        decider,
        ready_ms
    )
}

/// One line for each peer and each of our rows with the same proxy.
fn comparisons(rows: &[Row], tokens: Tokens) -> String {
    let mut text = String::new();
    for peer in rows.iter().filter(|row| row.part == Part::Peer) {
        let ours = rows.iter().filter(|row| {
            row.part == Part::Ours && (row.group == peer.group || row.group == Group::Own)
        });
        for own in ours {
            let (Some(theirs), Some(figures)) = (peer.figures(tokens), own.figures(tokens)) else {
                continue;
            };
            if theirs.round.requests == 0.0 {
                _ = writeln!(text, "  {} answers no request within a round", peer.name);
                break;
            }
            let ratio = figures.round.per_second / theirs.round.per_second;
            let verdict = match ratio {
                ratio if ratio < 0.97 => "THE PEER IS FASTER",
                ratio if ratio <= 1.03 => "the same within noise",
                _ => "ours is faster",
            };
            _ = writeln!(
                text,
                "  {} : {} = {ratio:.2} in requests per second: {verdict}",
                own.name, peer.name
            );
        }
    }
    text
}

/// Returns the rows as a JSON list, in the format of `cargo xtask bench`.
pub(crate) fn json(rows: &[Row]) -> Result<String> {
    let rows: Vec<Value> = rows
        .iter()
        .map(|row| match &row.result {
            Err(why) => json!({
                "what": "beside", "target": "proxy", "subject": row.name, "rules": row.rules,
                "note": "proxy", "remark": why,
            }),
            Ok(figures) => json!({
                "what": format!("beside_{}", figures.tokens.key()),
                "target": "proxy",
                "subject": row.name,
                "rules": row.rules,
                "per_second": figures.round.per_second.round(),
                "p50_ns": (figures.round.p50_micros * 1e3).round(),
                "p99_ns": (figures.round.p99_micros * 1e3).round(),
                "samples": figures.rounds,
                "ready_ms": figures.ready_ms as f64,
                "proxy_cpu_us": figures.cost.proxy_micros,
                "authz_cpu_us": figures.cost.decider_micros,
                "proxy_resident_kib": figures.resident_kib[0],
                "authz_resident_kib": figures.resident_kib[1],
                "note": figures.tokens.name(),
            }),
        })
        .collect();
    Ok(serde_json::to_string_pretty(&rows)? + "\n")
}
