//! Plots as SVG: bars with their spread, and lines over logarithmic axes. Every mark carries its number as a title, which a
//! browser shows under the pointer.

use std::fmt::Write;

use crate::statistics::Spread;
use crate::table::number;

const WIDTH: f64 = 900.0;
const LEFT: f64 = 190.0;
const RIGHT: f64 = 150.0;
const BAR: f64 = 16.0;
const HEIGHT: f64 = 420.0;
const TOP: f64 = 20.0;
const BOTTOM: f64 = 50.0;

/// Colours, one for each engine in a plot.
const COLOURS: [&str; 10] = [
    "#1f6feb", "#6e7781", "#d1242f", "#bf8700", "#1a7f37", "#8250df", "#0598bc", "#bf3989", "#57606a",
    "#9a6700",
];

/// A bar.
#[derive(Clone, Debug)]
pub struct Bar {
    pub label: String,
    pub spread: Spread,
    /// Drawn in the first colour.
    pub is_ours: bool,
}

/// A line of points.
#[derive(Clone, Debug)]
pub struct Line {
    pub label: String,
    pub points: Vec<(f64, f64)>,
}

/// Bars from left to right, on one linear axis from zero.
pub fn bars(bars: &[Bar], unit: &str) -> String {
    let most = bars.iter().map(|bar| bar.spread.high).fold(f64::MIN_POSITIVE, f64::max);
    let scale = (WIDTH - LEFT - RIGHT) / most;
    let height = bars.len() as f64 * (BAR + 6.0) + 8.0;
    let mut svg = open(height);
    for (at, bar) in bars.iter().enumerate() {
        let (y, Spread { median, low, high }) = (at as f64 * (BAR + 6.0) + 4.0, bar.spread);
        let middle = y + BAR / 2.0;
        let colour = COLOURS[usize::from(!bar.is_ours)];
        let label = escape(&bar.label);
        let title = format!("{label}: {} [{} to {}] {unit}", number(median), number(low), number(high));
        let _ = writeln!(
            svg,
            "<text x='{:.1}' y='{:.1}' text-anchor='end'>{label}</text>\
             <rect x='{LEFT}' y='{y:.1}' width='{:.2}' height='{BAR}' fill='{colour}'><title>{title}</title></rect>\
             <line x1='{:.2}' x2='{:.2}' y1='{middle}' y2='{middle}' stroke='#24292f'/>\
             <text x='{:.1}' y='{:.1}'>{} {unit}</text>",
            LEFT - 8.0,
            middle + 4.0,
            median * scale,
            LEFT + low * scale,
            LEFT + high * scale,
            LEFT + high * scale + 6.0,
            middle + 4.0,
            number(median),
        );
    }
    svg + "</svg>\n"
}

/// An axis: what it shows, and how its values are written.
#[derive(Clone, Copy)]
pub struct Axis<'a> {
    pub name: &'a str,
    pub write: fn(f64) -> String,
    /// One line of the grid at each power of this; without one, at each quarter of a linear axis.
    pub base: Option<f64>,
}

/// Where values lie on an axis that spans so many pixels.
struct Scale {
    low: f64,
    high: f64,
    base: Option<f64>,
}

impl Scale {
    fn of(values: impl Iterator<Item = f64> + Clone, base: Option<f64>) -> Scale {
        let low = values.clone().fold(f64::INFINITY, f64::min);
        let high = values.fold(f64::NEG_INFINITY, f64::max);
        match base {
            Some(base) => {
                let (low, high) = (low.log(base).floor(), high.log(base).ceil());
                Scale { low, high: high.max(low + 1.0), base: Some(base) }
            }
            None => Scale { low, high: if high > low { high } else { low + 1.0 }, base },
        }
    }

    /// From 0 to 1.
    fn place(&self, value: f64) -> f64 {
        let value = self.base.map_or(value, |base| value.log(base));
        (value - self.low) / (self.high - self.low)
    }

    fn grid(&self) -> Vec<f64> {
        match self.base {
            Some(base) => (self.low as i32..=self.high as i32).map(|power| base.powi(power)).collect(),
            None => (0..=4).map(|at| self.low + (self.high - self.low) * f64::from(at) / 4.0).collect(),
        }
    }
}

/// Lines, each with a mark at every point.
pub fn lines(lines: &[Line], x: Axis<'_>, y: Axis<'_>) -> String {
    let points = || lines.iter().flat_map(|line| line.points.iter());
    let across = Scale::of(points().map(|point| point.0), x.base);
    let up = Scale::of(points().map(|point| point.1), y.base);
    let px = |value: f64| LEFT / 2.0 + across.place(value) * (WIDTH - LEFT / 2.0 - RIGHT);
    let py = |value: f64| HEIGHT - BOTTOM - up.place(value) * (HEIGHT - TOP - BOTTOM);
    let mut svg = open(HEIGHT);
    for value in across.grid() {
        let (at, text) = (px(value), (x.write)(value));
        let _ = writeln!(
            svg,
            "<line x1='{at:.1}' x2='{at:.1}' y1='{TOP}' y2='{:.1}' stroke='#d0d7de'/>\
             <text x='{at:.1}' y='{:.1}' text-anchor='middle'>{text}</text>",
            HEIGHT - BOTTOM,
            HEIGHT - BOTTOM + 16.0
        );
    }
    for value in up.grid() {
        let (at, text) = (py(value), (y.write)(value));
        let _ = writeln!(
            svg,
            "<line x1='{:.1}' x2='{:.1}' y1='{at:.1}' y2='{at:.1}' stroke='#d0d7de'/>\
             <text x='{:.1}' y='{:.1}' text-anchor='end'>{text}</text>",
            LEFT / 2.0,
            WIDTH - RIGHT,
            LEFT / 2.0 - 6.0,
            at + 4.0
        );
    }
    for (at, line) in lines.iter().enumerate() {
        draw(&mut svg, line, COLOURS[at % COLOURS.len()], TOP + 14.0 + 18.0 * at as f64, (&px, &py), (x, y));
    }
    let _ = writeln!(
        svg,
        "<text x='{:.1}' y='{:.1}' text-anchor='middle'>{}</text><text x='4' y='12'>{}</text></svg>",
        WIDTH / 2.0,
        HEIGHT - 10.0,
        escape(x.name),
        escape(y.name)
    );
    svg
}

type Place<'a> = &'a dyn Fn(f64) -> f64;

fn draw(
    svg: &mut String,
    line: &Line,
    colour: &str,
    legend: f64,
    (px, py): (Place<'_>, Place<'_>),
    (x, y): (Axis<'_>, Axis<'_>),
) {
    let label = escape(&line.label);
    let places: Vec<String> = line.points.iter().map(|p| format!("{:.1},{:.1}", px(p.0), py(p.1))).collect();
    let _ = writeln!(
        svg,
        "<polyline points='{}' fill='none' stroke='{colour}' stroke-width='2'/>",
        places.join(" ")
    );
    for point in &line.points {
        let title = format!("{label}: {}, {}", (x.write)(point.0), (y.write)(point.1));
        let _ = writeln!(
            svg,
            "<circle cx='{:.1}' cy='{:.1}' r='3' fill='{colour}'><title>{title}</title></circle>",
            px(point.0),
            py(point.1)
        );
    }
    let _ =
        writeln!(svg, "<text x='{:.1}' y='{legend:.1}' fill='{colour}'>{label}</text>", WIDTH - RIGHT + 8.0);
}

fn open(height: f64) -> String {
    format!(
        "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {WIDTH} {height}' width='{WIDTH}' role='img'>\n"
    )
}

/// Text that may stand between tags.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_as_long_as_their_medians() {
        let bar = |label: &str, median: f64| Bar {
            label: label.to_owned(),
            spread: Spread { median, low: median / 2.0, high: 100.0 },
            is_ours: label == "ours",
        };
        let svg = bars(&[bar("ours", 50.0), bar("a<b", 25.0)], "MB/s");
        let full = WIDTH - LEFT - RIGHT;
        assert!(svg.contains(&format!("width='{:.2}'", full / 2.0)), "{svg}");
        assert!(svg.contains(&format!("width='{:.2}'", full / 4.0)), "{svg}");
        assert!(svg.contains("ours: 50.0 [25.0 to 100] MB/s") && svg.contains("a&lt;b"));
    }

    #[test]
    fn lines_have_a_mark_for_each_point_where_it_belongs() {
        let line = Line { label: "ours".to_owned(), points: vec![(1.0, 10.0), (100.0, 1000.0)] };
        let axis = |name| Axis { name, write: number, base: Some(10.0) };
        let svg = lines(&[line], axis("size"), axis("us"));
        assert_eq!(svg.matches("<circle").count(), 2);
        let (left, right) = (LEFT / 2.0, WIDTH - RIGHT);
        assert!(svg.contains(&format!("cx='{left:.1}' cy='{:.1}'", HEIGHT - BOTTOM)), "{svg}");
        assert!(svg.contains(&format!("cx='{right:.1}' cy='{TOP:.1}'")), "{svg}");
        assert!(svg.contains("ours: 100, 1,000"));
    }
}
