//! A machine as an SVG picture: a box for each phase, its states below each other, an arrow for each way. Everything is
//! drawn in `currentColor`, so it suits a dark page and a light one; the marked state is filled.

use std::fmt::Write as _;

use super::{label, target};
use crate::definition::Machine;

const STATE_WIDTH: f64 = 250.0;
const STATE_HEIGHT: f64 = 34.0;
const GAP: f64 = 14.0;
const INDENT: f64 = 16.0;
const MARGIN: f64 = 24.0;
const TITLE: f64 = 26.0;
/// Room between columns, for the arrows.
const ALLEY: f64 = 110.0;
/// States that a column holds before the next phase begins another one.
const COLUMN: usize = 15;
/// Letters of a state's name that fit into its box.
const MAX_LETTERS: usize = 34;

/// Where a state is drawn: its left, its top.
#[derive(Clone, Copy, Default)]
struct Place {
    x: f64,
    y: f64,
    column: usize,
}

/// A picture of the machine, with a state marked.
pub fn svg(machine: &Machine, marked: Option<&str>) -> String {
    let Layout { places, groups, width, height } = lay_out(machine);
    let marked = marked.and_then(|state| machine.state_index(state));
    let mut svg = String::new();
    let _ = writeln!(
        svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" width=\"{width:.0}\" height=\"{height:.0}\" \
         font-family=\"sans-serif\" font-size=\"12\" color=\"#667\" role=\"img\">"
    );
    let title = match marked {
        Some(index) => format!("{}: {}", machine.name, machine.states[index].label),
        None => machine.name.clone(),
    };
    let _ = writeln!(svg, "<title>{}</title>", escape(&title));
    svg.push_str(
        "<defs><marker id=\"arrow\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"7\" markerHeight=\"7\" \
         orient=\"auto\"><path d=\"M0 0L8 4L0 8z\" fill=\"currentColor\"/></marker></defs>\n",
    );
    for (name, x, y, height) in &groups {
        let _ = writeln!(
            svg,
            "<g class=\"phase\"><rect x=\"{x:.0}\" y=\"{y:.0}\" width=\"{:.0}\" height=\"{height:.0}\" rx=\"8\" \
             fill=\"currentColor\" fill-opacity=\"0.06\" stroke=\"currentColor\" stroke-opacity=\"0.3\"/>\
             <text x=\"{:.0}\" y=\"{:.0}\" fill=\"currentColor\" font-weight=\"bold\">{}</text></g>",
            STATE_WIDTH + 2.0 * GAP,
            x + GAP,
            y + 18.0,
            escape(name)
        );
    }
    for (index, state) in machine.states.iter().enumerate() {
        for transition in &state.transitions {
            let Some(to) = target(machine, transition) else { continue };
            let leads_on = marked.is_some_and(|marked| machine.lineage(marked).any(|around| around == index));
            arrow(&mut svg, places[index], places[to], &label(transition), leads_on);
        }
    }
    for (index, state) in machine.states.iter().enumerate() {
        let Place { x, y, .. } = places[index];
        let is_marked = marked.is_some_and(|marked| machine.lineage(marked).any(|around| around == index));
        let (fill, text) = if is_marked { ("#d8a657", "#111") } else { ("none", "currentColor") };
        let line = if state.is_final { 3.0 } else { 1.2 };
        let _ = writeln!(
            svg,
            "<g class=\"state{}\" data-state=\"{}\"><title>{}</title><rect x=\"{x:.0}\" y=\"{y:.0}\" width=\"{:.0}\" \
             height=\"{STATE_HEIGHT}\" rx=\"6\" fill=\"{fill}\" stroke=\"currentColor\" stroke-width=\"{line}\"/>\
             <text x=\"{:.0}\" y=\"{:.0}\" fill=\"{text}\">{}</text></g>",
            if is_marked { " current" } else { "" },
            escape(&state.id),
            escape(&state.id),
            STATE_WIDTH - (x - column_x(places[index].column) - GAP),
            x + 10.0,
            y + 21.0,
            escape(&shortened(&state.label))
        );
    }
    svg.push_str("</svg>\n");
    svg
}

/// Where everything is.
struct Layout {
    places: Vec<Place>,
    /// The phases: name, left, top, height.
    groups: Vec<(String, f64, f64, f64)>,
    width: f64,
    height: f64,
}

fn lay_out(machine: &Machine) -> Layout {
    let mut phases: Vec<&str> = Vec::new();
    for state in &machine.states {
        if !phases.contains(&state.phase.as_str()) {
            phases.push(&state.phase);
        }
    }
    let mut places = vec![Place::default(); machine.states.len()];
    let mut groups = Vec::new();
    let (mut column, mut y, mut used, mut height) = (0, MARGIN, 0, 0.0_f64);
    for phase in phases {
        let members: Vec<usize> =
            (0..machine.states.len()).filter(|&index| machine.states[index].phase == phase).collect();
        if 0 < used && COLUMN < used + members.len() {
            (column, y, used) = (column + 1, MARGIN, 0);
        }
        let top = y;
        y += TITLE;
        for &index in &members {
            #[expect(clippy::cast_precision_loss, reason = "states lie at most 16 deep")]
            let depth = (machine.lineage(index).count() - 1) as f64;
            places[index] = Place { x: column_x(column) + GAP + depth * INDENT, y, column };
            y += STATE_HEIGHT + GAP;
        }
        used += members.len();
        groups.push((phase.to_owned(), column_x(column), top, y - top));
        y += GAP;
        height = height.max(y);
    }
    Layout { places, groups, width: column_x(column + 1) - ALLEY + MARGIN, height: height + MARGIN }
}

#[expect(clippy::cast_precision_loss, reason = "a machine has at most 2,000 states")]
fn column_x(column: usize) -> f64 {
    MARGIN + column as f64 * (STATE_WIDTH + 2.0 * GAP + ALLEY)
}

/// An arrow between two states, bent so that it goes round those between them.
fn arrow(svg: &mut String, from: Place, to: Place, label: &str, leads_on: bool) {
    let middle = |place: Place| place.y + STATE_HEIGHT / 2.0;
    let right = |place: Place| column_x(place.column) + GAP + STATE_WIDTH;
    let (start_x, end_x, bend_start, bend_end) = if from.column < to.column {
        (right(from), to.x, 60.0, -60.0)
    } else if to.column < from.column {
        (from.x, right(to), -60.0, 60.0)
    } else {
        let bend = 24.0 + (middle(from) - middle(to)).abs() / 12.0;
        (right(from), right(to), bend.min(ALLEY), bend.min(ALLEY))
    };
    // Ways out and in of a state lie a little apart.
    let (start_y, end_y) = (middle(from) + 5.0, middle(to) - 5.0);
    let (width, opacity) = if leads_on { (2.2, 1.0) } else { (1.0, 0.45) };
    let _ = writeln!(
        svg,
        "<path class=\"way{}\" d=\"M{start_x:.0} {start_y:.0}C{:.0} {start_y:.0} {:.0} {end_y:.0} {end_x:.0} {end_y:.0}\" \
         fill=\"none\" stroke=\"currentColor\" stroke-width=\"{width}\" stroke-opacity=\"{opacity}\" marker-end=\"url(#arrow)\">\
         <title>{}</title></path>",
        if leads_on { " next" } else { "" },
        start_x + bend_start,
        end_x + bend_end,
        escape(label)
    );
}

fn shortened(text: &str) -> String {
    if text.chars().count() <= MAX_LETTERS {
        return text.to_owned();
    }
    text.chars().take(MAX_LETTERS - 1).chain(['…']).collect()
}

fn escape(text: &str) -> String {
    let printable: String = text.chars().filter(|letter| !letter.is_control()).collect();
    printable.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use crate::draw::{Drawing, machine_draw};

    #[test]
    fn a_picture_has_every_state_and_marks_the_current_one() {
        let picture = machine_draw("war-of-the-ring", Drawing::Svg, Some("PHASE_5_FP_ACTION")).unwrap();
        assert_eq!(picture.matches("<g class=\"state").count(), 70);
        assert_eq!(picture.matches("<g class=\"state current\" data-state=\"PHASE_5_FP_ACTION\"").count(), 1);
        assert_eq!(
            picture.matches("class=\"way next\"").count(),
            5,
            "a die moved, a die named, a pass, a tile due, a figure moved"
        );
    }

    #[test]
    fn a_state_that_is_not_there_cannot_be_marked() {
        assert!(machine_draw("document", Drawing::Svg, Some("NOWHERE")).is_err());
    }
}
