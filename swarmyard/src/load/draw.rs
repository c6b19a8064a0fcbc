//! The screen, drawn from what is known.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, BorderType, Paragraph, Sparkline, Wrap};

use super::latency::rows;
use super::progress::Progress;
use super::report::latency_table;
use super::shown::{Part, parts_now, up_to};
use super::terms::Terms;
use crate::figures::{bar, thousands, whole};

/// Below this, boxes stand on each other, and the curve is left away.
const ROOMY_WIDTH: u16 = 76;
const ROOMY_HEIGHT: u16 = 20;

/// Lines of the box with the rate, its frame included.
const RATE_HEIGHT: u16 = 6;

/// Kinds of errors that are shown, those that are frequent first.
const FAULTS_MAX: usize = 4;

/// Columns of the names of a histogram's rows.
const UP_TO_WIDTH: usize = 9;

/// With or without colours.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Theme {
    pub(crate) has_colours: bool,
}

impl Theme {
    fn coloured(self, colour: Color) -> Style {
        if self.has_colours { Style::new().fg(colour) } else { Style::new() }
    }

    fn frame(self) -> Style {
        self.coloured(Color::DarkGray)
    }

    fn good(self) -> Style {
        self.coloured(Color::Green)
    }

    fn bad(self) -> Style {
        self.coloured(Color::Red).add_modifier(Modifier::BOLD)
    }

    /// The colour of a latency, by its column.
    fn column(self, index: usize) -> Style {
        self.coloured([Color::Cyan, Color::Magenta][index % 2])
    }
}

/// Draws the screen; `is_ending` when only the last answers are waited for.
pub(crate) fn draw(frame: &mut Frame, progress: &Progress, terms: &Terms, is_ending: bool, theme: Theme) {
    let area = frame.area();
    let faults = fault_lines(progress, theme);
    let is_high = area.height >= ROOMY_HEIGHT;
    let [head, rate, middle, bottom, keys] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(if is_high { RATE_HEIGHT } else { 3 }),
        Constraint::Fill(1),
        Constraint::Length(u16::try_from(faults.len()).unwrap_or(u16::MAX)),
        Constraint::Length(1),
    ])
    .areas(area);
    draw_head(frame, head, progress, terms);
    draw_rate(frame, rate, progress, terms, theme);
    let halves = [Constraint::Fill(1), Constraint::Fill(1)];
    let [left, right] = if area.width >= ROOMY_WIDTH {
        Layout::horizontal(halves).areas(middle)
    } else {
        Layout::vertical(halves).areas(middle)
    };
    draw_latency(frame, left, progress, terms, theme);
    draw_parts(frame, right, &parts_now(progress), theme);
    frame.render_widget(Paragraph::new(faults), bottom);
    let told = if is_ending { "Waiting for the last answers; q ends it at once" } else { "q ends it, with the report" };
    frame.render_widget(Line::styled(told, theme.frame()), keys);
}

fn draw_head(frame: &mut Frame, area: Rect, progress: &Progress, terms: &Terms) {
    let time = format!(" {:.0} s of {:.0} s", progress.elapsed.as_secs_f64(), terms.duration.as_secs_f64());
    let width = u16::try_from(time.len()).unwrap_or(u16::MAX);
    let [title, right] = Layout::horizontal([Constraint::Fill(1), Constraint::Length(width)]).areas(area);
    frame.render_widget(Line::styled(terms.title.as_str(), Modifier::BOLD), title);
    frame.render_widget(Line::raw(time), right);
}

fn draw_rate(frame: &mut Frame, area: Rect, progress: &Progress, terms: &Terms, theme: Theme) {
    let inside = draw_box(frame, area, &format!(" {} a second ", terms.things), theme);
    let [figures, curve] = Layout::vertical([Constraint::Length(1), Constraint::Fill(1)]).areas(inside);
    let (errors, now) = (progress.total.errors(), progress.rates.back().copied().unwrap_or_default());
    let line = Line::from(vec![
        Span::styled(format!("{} now", whole(now)), theme.good().add_modifier(Modifier::BOLD)),
        Span::raw(format!("   {} on average", whole(progress.rate()))),
        Span::raw(format!("   {} in all   ", thousands(progress.total.answers))),
        Span::styled(format!("{} errors", thousands(errors)), if errors == 0 { Style::new() } else { theme.bad() }),
    ]);
    frame.render_widget(line, figures);
    let shown = progress.rates.len().saturating_sub(usize::from(curve.width));
    // Rates are no less than zero.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let rates = progress.rates.iter().skip(shown).map(|rate| rate.round() as u64);
    frame.render_widget(Sparkline::default().data(rates).style(theme.good()), curve);
}

fn draw_latency(frame: &mut Frame, area: Rect, progress: &Progress, terms: &Terms, theme: Theme) {
    let inside = draw_box(frame, area, " latency ", theme);
    let latencies = terms.latencies(&progress.total);
    let table = latency_table(&latencies, terms);
    let more_lines = |line: &String| line.chars().count() / usize::from(inside.width.max(1));
    let taken = table.len() + table.iter().map(more_lines).sum::<usize>() + 1;
    let mut lines: Vec<_> = table.into_iter().map(Line::raw).collect();
    let room = usize::from(inside.height).saturating_sub(taken);
    let rows = if room == 0 { Vec::new() } else { rows(&latencies, room) };
    let most = rows.iter().flat_map(|row| &row.counts).copied().max().unwrap_or_default();
    let width = (usize::from(inside.width).saturating_sub(UP_TO_WIDTH) / latencies.len().max(1)).saturating_sub(1);
    if !rows.is_empty() {
        lines.push(Line::default());
    }
    for row in rows {
        let mut spans = vec![Span::raw(format!("{:UP_TO_WIDTH$}", up_to(row.up_to)))];
        for (index, count) in row.counts.into_iter().enumerate() {
            let bar = format!("{:width$} ", bar(count, most, width));
            spans.push(Span::styled(bar, theme.column(index)));
        }
        lines.push(Line::from(spans));
    }
    frame.render_widget(Paragraph::new(lines).wrap(Wrap { trim: false }), inside);
}

fn draw_parts(frame: &mut Frame, area: Rect, parts: &[Part], theme: Theme) {
    let inside = draw_box(frame, area, " who answers ", theme);
    let (width, height) = (usize::from(inside.width), usize::from(inside.height));
    let (shown, hidden) = if parts.len() <= height {
        (parts, 0)
    } else {
        let shown = height.saturating_sub(1);
        (&parts[..shown], parts.len() - shown)
    };
    let most = parts.iter().map(|part| part.count).max().unwrap_or_default();
    let figure_width = shown.iter().map(|part| part.figure.len()).max().unwrap_or_default();
    let name_width = shown.iter().map(|part| part.name.len()).max().unwrap_or_default();
    let name_width = name_width.min(width.saturating_sub(figure_width + 2));
    let bar_width = width.saturating_sub(name_width + figure_width + 2);
    let line = |part: &Part| {
        let Part { name, count, figure } = part;
        Line::from(vec![
            Span::raw(format!("{name:name_width$.name_width$} ")),
            Span::styled(format!("{:bar_width$} ", bar(*count, most, bar_width)), theme.good()),
            Span::raw(figure.clone()),
        ])
    };
    let mut lines: Vec<_> = shown.iter().map(line).collect();
    if hidden > 0 {
        lines.push(Line::styled(format!("and {hidden} more"), theme.frame()));
    }
    frame.render_widget(Paragraph::new(lines), inside);
}

/// What is wrong, the most frequent first.
fn fault_lines(progress: &Progress, theme: Theme) -> Vec<Line<'static>> {
    let mut faults: Vec<_> = progress.total.faults.iter().collect();
    faults.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    let shown = faults.iter().take(FAULTS_MAX);
    let line = |(fault, count): &(&_, &u64)| Line::styled(format!("! {} {fault}", thousands(**count)), theme.bad());
    shown.map(line).collect()
}

/// Draws a frame; gives its inside.
fn draw_box(frame: &mut Frame, area: Rect, title: &str, theme: Theme) -> Rect {
    let block = Block::bordered().border_type(BorderType::Rounded).border_style(theme.frame()).title(title);
    let inside = block.inner(area);
    frame.render_widget(block, area);
    inside
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    use ratatui::Terminal;
    use ratatui::backend::TestBackend;

    use crate::load::report::tests::{progress, terms};
    use crate::load::tally::Tally;
    use crate::load::terms::{CLOSED, OPEN};

    const PLAIN: Theme = Theme { has_colours: false };

    fn terminal(progress: &Progress, terms: &Terms, size: (u16, u16), theme: Theme) -> Terminal<TestBackend> {
        let mut terminal = Terminal::new(TestBackend::new(size.0, size.1)).unwrap();
        terminal.draw(|frame| draw(frame, progress, terms, false, theme)).unwrap();
        terminal
    }

    fn screen(progress: &Progress, terms: &Terms, size: (u16, u16)) -> String {
        terminal(progress, terms, size, PLAIN).backend().to_string()
    }

    /// Some seconds more, each with more answers.
    fn later() -> Progress {
        let mut progress = progress();
        for second in 3..30_u32 {
            let mut news = Tally::new();
            news.answers = u64::from(second) * 100;
            for _ in 0..second {
                news.replicas.count(Some(if second % 3 == 0 { "producer.2@pi2" } else { "producer.1@pi1" }));
                news.replicas.count(Some("producer.3@pi2"));
            }
            progress.take(&news, second * Duration::from_secs(1));
        }
        progress
    }

    #[test]
    fn the_screen_shows_rate_latency_replicas_and_errors() {
        insta::assert_snapshot!("closed_80x24", screen(&later(), &terms(CLOSED), (80, 24)));
        insta::assert_snapshot!("open_100x30", screen(&later(), &terms(OPEN), (100, 30)));
    }

    #[test]
    fn a_small_terminal_shows_what_fits() {
        insta::assert_snapshot!("open_50x18", screen(&later(), &terms(OPEN), (50, 18)));
        for size in [(1, 1), (3, 200), (200, 3), (20, 10)] {
            screen(&later(), &terms(OPEN), size);
        }
    }

    #[test]
    fn before_the_first_answer_there_is_a_screen() {
        insta::assert_snapshot!("nothing_80x24", screen(&Progress::new(), &terms(CLOSED), (80, 24)));
    }

    #[test]
    fn more_replicas_than_fit_are_counted() {
        let (mut progress, mut news) = (Progress::new(), Tally::new());
        (0..200).for_each(|number| news.replicas.count(Some(&format!("producer.{number}"))));
        progress.take(&news, Duration::from_secs(1));
        let screen = screen(&progress, &terms(CLOSED), (80, 24));
        let shown = screen.matches("producer.").count();
        assert!(shown > 5 && screen.contains(&format!("and {} more", 200 - shown)), "{screen}");
    }

    #[test]
    fn colours_are_left_away_where_nobody_wants_them() {
        let is_coloured = |has_colours| {
            let terminal = terminal(&later(), &terms(OPEN), (80, 24), Theme { has_colours });
            terminal.backend().buffer().content().iter().any(|cell| cell.fg != Color::Reset)
        };
        assert_eq!([is_coloured(true), is_coloured(false)], [true, false]);
    }
}
