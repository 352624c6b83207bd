//! The rows as one self-contained HTML page: charts for an overview, and all rows as a table.

mod chart;

use anyhow::Result;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::rows::{OURS, Row, setups, time, times};
use chart::Bar;

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;color:#1b2733;background:#fff;max-width:62rem;margin:2rem auto;padding:0 1rem}\
h1{font-size:1.6rem}h2{font-size:1.1rem;margin:2.2rem 0 .2rem}p.note{color:#5b6875;margin:.1rem 0 .6rem}\
svg{max-width:100%;height:auto}ul{font-size:.85rem;color:#3b4652;padding-left:1.2rem;margin:.3rem 0}table{border-collapse:collapse;font-size:.8rem;width:100%}\
th,td{text-align:left;padding:.25rem .5rem;border-bottom:1px solid #dde3e8;vertical-align:top}\
td.n{text-align:right;white-space:nowrap}tr.ours td{background:#eef6f0}.wide{overflow-x:auto}";
/// The kinds of rows, in page order.
const ORDER: [(&str, &str); 6] = [
    ("decide", "Decision"),
    ("known_token", "Request with a cached token"),
    ("new_token", "Request with a new token"),
    ("rs256", "RS256 signature"),
    ("requests", "Requests under load"),
    ("cold", "Start to first decision"),
];
/// The policy size at which targets are compared with each other.
const COMMON: usize = 1_000;

/// The page.
///
/// # Errors
/// Returns an error if a chart cannot be drawn.
pub(crate) fn page(rows: &[Row]) -> Result<String> {
    let mut sections = Vec::new();
    for (what, title) in ORDER {
        let of: Vec<&Row> = rows.iter().filter(|row| row.what == what).collect();
        for group in groups(&of) {
            sections.push(section(title, &group)?);
        }
        if let Some(overview) = targets(title, &of)? {
            sections.push(overview);
        }
    }
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "Tollgate: measurements of one run" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                h1 { "Tollgate: measurements of one run" }
                p {
                    "Everything here was measured in one run on one machine: ratios count, absolute times do not. "
                    "Ours is green. A ratio above 1 means that we are faster."
                }
                @for section in &sections { (section) }
                h2 { "All rows" }
                div.wide { (table(rows)) }
            }
        }
    };
    Ok(page.into_string())
}

/// Rows of the same work by several subjects, for any number of rules.
fn groups<'a>(rows: &[&'a Row]) -> Vec<Vec<&'a Row>> {
    let mut groups: Vec<Vec<&Row>> = Vec::new();
    for row in rows {
        let same = |group: &&mut Vec<&Row>| {
            group.first().is_some_and(|first| {
                first.target == row.target && (first.note == row.note || row.what == "rs256")
            })
        };
        match groups.iter_mut().find(same) {
            Some(group) => group.push(row),
            None => groups.push(vec![row]),
        }
    }
    groups.retain(|group| {
        let subject = group.first().map(|row| &row.subject);
        group.iter().any(|row| Some(&row.subject) != subject)
    });
    groups
}

fn section(title: &str, group: &[&Row]) -> Result<Markup> {
    let mut sizes: Vec<usize> = group.iter().filter_map(|row| row.rules).collect();
    sizes.sort_unstable();
    sizes.dedup();
    let drawn = if sizes.len() > 1 {
        chart::lines(group, &sizes)?
    } else {
        chart::bars(&group.iter().filter_map(|row| bar(row)).collect::<Vec<_>>())?
    };
    let first = group.first();
    let note = first.map_or("", |row| row.note.as_str());
    let target = first.map_or("", |row| row.target.as_str());
    let rules = match sizes.as_slice() {
        [one] => format!(" {one} rules."),
        _ => String::new(),
    };
    Ok(html! {
        h2 { (title) ", " (target) }
        p.note { (note) "." (rules) }
        (PreEscaped(drawn))
        ul {
            @for (subject, setup) in setups(group) { li { b { (subject) } ": " (setup) "." } }
        }
    })
}

fn bar(row: &Row) -> Option<Bar> {
    let (length, text) = match (row.per_second, row.p50_ns) {
        (Some(count), _) => (count, format!("{count:.0} per second")),
        (None, Some(ns)) => (ns, time(ns)),
        (None, None) => return None,
    };
    let ratio = row.ratio.filter(|_| row.per_second.is_none());
    let text = match ratio.filter(|_| row.subject != OURS) {
        Some(ratio) => format!("{text}, {} ours", times(ratio)),
        None => text,
    };
    Some(Bar {
        name: row.subject.clone(),
        length,
        text,
        is_ours: row.subject == OURS,
    })
}

/// Compares our own targets at one policy size.
fn targets(title: &str, rows: &[&Row]) -> Result<Option<Markup>> {
    let bars: Vec<Bar> = rows
        .iter()
        .filter(|row| row.subject == OURS && row.rules == Some(COMMON) && row.setup.is_none())
        .filter_map(|row| {
            Some(Bar {
                name: row.target.clone(),
                ..bar(row)?
            })
        })
        .collect();
    if bars.len() < 2 {
        return Ok(None);
    }
    let drawn = chart::bars(&bars)?;
    Ok(Some(html! {
        h2 { (title) ", our targets" }
        p.note { (COMMON) " rules; the table describes each row." }
        (PreEscaped(drawn))
    }))
}

fn table(rows: &[Row]) -> Markup {
    let count = |value: Option<usize>| value.map(|value| value.to_string()).unwrap_or_default();
    html! {
        table {
            tr {
                @for head in [
                    "what", "target", "subject", "rules", "p50", "p99", "to ours", "per second", "bytes", "timed",
                ] { th { (head) } }
            }
            @for row in rows {
                tr.ours[row.subject == OURS] {
                    td { (row.what) } td { (row.target) } td { (row.subject) }
                    td.n { (count(row.rules)) }
                    td.n { (row.p50_ns.map(time).unwrap_or_default()) }
                    td.n { (row.p99_ns.map(time).unwrap_or_default()) }
                    td.n { (row.ratio.map(times).unwrap_or_default()) }
                    td.n { (row.per_second.map(|count| format!("{count:.0}")).unwrap_or_default()) }
                    td.n { (count(row.bytes)) }
                    td { (row.note) @if let Some(remark) = &row.remark { "; " (remark) } }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(subject: &str, rules: usize, p50_ns: f64) -> Row {
        Row {
            what: "decide".to_owned(),
            target: "native".to_owned(),
            subject: subject.to_owned(),
            rules: Some(rules),
            p50_ns: Some(p50_ns),
            note: "a <b> & c".to_owned(),
            ..Row::default()
        }
    }

    #[test]
    fn a_page_is_self_contained_and_has_every_row() {
        let rows = [
            row(OURS, 10, 100.0),
            row("other", 10, 1_000.0),
            row(OURS, 1_000, 100.0),
            row("other", 1_000, 90_000.0),
        ];
        let text = page(&rows).unwrap();
        assert_eq!(text.matches("<svg").count(), 1);
        assert_eq!(text.matches("<tr class=\"ours\"").count(), 2);
        assert!(text.contains("a &lt;b&gt; &amp; c") && text.contains("90.0 µs"));
        for outside in ["src=", "href=", "@import", "<script"] {
            assert!(!text.contains(outside), "{outside}");
        }
    }

    #[test]
    fn rows_without_a_peer_get_no_chart() {
        let text = page(&[row(OURS, 10, 100.0)]).unwrap();
        assert_eq!(text.matches("<svg").count(), 0);
    }
}
