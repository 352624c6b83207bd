//! Two kinds of SVG charts: times over numbers of rules, and bars. Not here: what is measured.

use anyhow::{Context as _, Result, anyhow};
use plotters::prelude::*;

use crate::rows::{OURS, Row, time};

const WIDTH: u32 = 900;
const LINES_HEIGHT: u32 = 420;
const BAR_HEIGHT: u32 = 30;
/// The start of the bars, and the length of the longest.
const NAMES: i32 = 190;
const LONGEST: f64 = 480.0;
const FONT: &str = "sans-serif";
const GREEN: RGBColor = RGBColor(31, 143, 78);
const GREY: RGBColor = RGBColor(141, 153, 166);
/// The colours of peers, in order of appearance.
const COLOURS: [RGBColor; 6] = [
    RGBColor(196, 78, 82),
    RGBColor(76, 114, 176),
    RGBColor(129, 114, 179),
    RGBColor(204, 137, 54),
    RGBColor(100, 181, 205),
    RGBColor(140, 97, 60),
];

/// A bar with its name and its formatted value.
pub(super) struct Bar {
    pub(super) name: String,
    pub(super) length: f64,
    pub(super) text: String,
    pub(super) is_ours: bool,
}

/// Draws horizontal bars on a linear scale.
pub(super) fn bars(bars: &[Bar]) -> Result<String> {
    let most = bars.iter().map(|bar| bar.length).fold(1.0, f64::max);
    let height = BAR_HEIGHT * u32::try_from(bars.len())?;
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, (WIDTH, height)).into_drawing_area();
        let mut top = 0;
        for bar in bars {
            let colour = if bar.is_ours { GREEN } else { GREY };
            let end = NAMES + ((bar.length / most * LONGEST) as i32).max(2);
            let text =
                |words: &str, x| Text::new(words.to_owned(), (x, top + 7), (FONT, 15).into_font());
            drawn(area.draw(&text(&bar.name, 0)))?;
            drawn(area.draw(&Rectangle::new(
                [(NAMES, top + 4), (end, top + 24)],
                colour.filled(),
            )))?;
            drawn(area.draw(&text(&bar.text, end + 8)))?;
            top += i32::try_from(BAR_HEIGHT)?;
        }
        drawn(area.present())?;
    }
    Ok(svg)
}

/// Draws a line for each subject: medians over numbers of rules, both on logarithmic scales.
pub(super) fn lines(rows: &[&Row], sizes: &[usize]) -> Result<String> {
    let points = |subject: &str| -> Vec<(f64, f64)> {
        let own = rows.iter().filter(|row| row.subject == subject);
        own.filter_map(|row| Some((row.rules? as f64, row.p50_ns?)))
            .collect()
    };
    let mut subjects: Vec<&str> = Vec::new();
    for row in rows {
        if !subjects.contains(&row.subject.as_str()) {
            subjects.push(&row.subject);
        }
    }
    let (low, high) = (sizes.first(), sizes.last());
    let (low, high) = low.zip(high).context("the chart has no sizes")?;
    let times = rows.iter().filter_map(|row| row.p50_ns);
    let (least, most) = times.fold((f64::MAX, 1.0_f64), |(least, most), time| {
        (least.min(time), most.max(time))
    });
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, (WIDTH, LINES_HEIGHT)).into_drawing_area();
        let mut chart = ChartBuilder::on(&area)
            .margin(8)
            .margin_right(20)
            .x_label_area_size(40)
            .y_label_area_size(80)
            .build_cartesian_2d(
                (*low as f64..*high as f64).log_scale(),
                (least / 2.0..most * 2.0).log_scale(),
            )
            .map_err(|error| anyhow!("{error}"))?;
        drawn(
            chart
                .configure_mesh()
                .x_desc("rules")
                .x_label_formatter(&|rules| format!("{rules:.0}"))
                .y_label_formatter(&|ns| time(*ns))
                .light_line_style(WHITE.mix(0.0))
                .label_style((FONT, 14))
                .draw(),
        )?;
        let mut colours = COLOURS.iter().cycle();
        for subject in subjects {
            let colour = if subject == OURS {
                GREEN
            } else {
                colours.next().copied().unwrap_or(GREY)
            };
            let style = colour.stroke_width(if subject == OURS { 4 } else { 2 });
            let line = chart
                .draw_series(LineSeries::new(points(subject), style).point_size(4))
                .map_err(|error| anyhow!("{error}"))?;
            line.label(subject.to_owned())
                .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], style));
        }
        drawn(
            chart
                .configure_series_labels()
                .position(SeriesLabelPosition::UpperLeft)
                .background_style(WHITE.mix(0.85))
                .border_style(GREY.mix(0.5))
                .label_font((FONT, 14))
                .draw(),
        )?;
        drawn(area.present())?;
    }
    Ok(svg)
}

fn drawn<T, E: core::fmt::Display>(drawing: Result<T, E>) -> Result<T> {
    drawing.map_err(|error| anyhow!("{error}"))
}
