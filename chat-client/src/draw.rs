//! The screens, drawn from what [`App`] knows. Whatever others wrote passes through [`visible`].

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Position, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, BorderType, Clear, Paragraph};
use unicode_width::UnicodeWidthStr;

use crate::app::field::Field;
use crate::app::{App, Notice, Screen, Status};
use crate::visible;

mod chat;
mod connect;
mod rooms;
pub(crate) mod theme;

use theme::Theme;

/// Below this, borders are left away.
const ROOMY_WIDTH: u16 = 60;
const ROOMY_HEIGHT: u16 = 16;

/// Lines that something to tell gets at most; the last one then ends with `…`.
const TOLD_LINES_MAX: u16 = 6;

/// Draws the screen that `app` is at.
pub(crate) fn draw(frame: &mut Frame, app: &mut App, theme: Theme) {
    let area = frame.area();
    let told = status_lines(app, area, theme);
    let [body, status, help] =
        Layout::vertical([Constraint::Min(1), Constraint::Length(height(&told)), Constraint::Length(1)]).areas(area);
    let keys = match &mut app.screen {
        Screen::Connect => connect::draw(frame, body, app, theme),
        Screen::Rooms => rooms::draw(frame, body, app, theme),
        Screen::Chat(chat) => chat::draw(frame, body, chat, &app.zone, theme),
    };
    frame.render_widget(Paragraph::new(told), status);
    frame.render_widget(help_line(&keys, help.width, theme), help);
}

fn is_roomy(area: Rect) -> bool {
    area.width >= ROOMY_WIDTH && area.height + 2 >= ROOMY_HEIGHT
}

/// What there is to tell, whole: a notice, or how the link is. How it usually is gets one line.
fn status_lines(app: &App, area: Rect, theme: Theme) -> Vec<Line<'static>> {
    let (text, style) = match (&app.notice, &app.status) {
        (Some(Notice::Bad(text)), _) => (format!("! {text}"), theme.bad()),
        (Some(Notice::Good(text)), _) => (text.clone(), theme.good()),
        (None, Status::Offline) => return vec![Line::default()],
        (None, Status::Connecting) => return one(&format!("Connecting to {} …", app.address), area, Style::new()),
        (None, Status::Lost { reason, next_try }) => {
            // A second that has begun counts: "in 0 s" would look stuck.
            let wait = next_try.saturating_duration_since(app.now).as_millis().div_ceil(1000);
            let when = if wait == 0 { "now".to_owned() } else { format!("in {wait} s") };
            (format!("○ Connecting again {when}: {reason}"), theme.bad())
        }
        (None, Status::Online) => {
            let node = app.rooms.node.as_ref().map(|node| format!("{node}, ")).unwrap_or_default();
            return one(&format!("● {} at {node}{}", app.username, app.address), area, theme.good());
        }
    };
    whole(&text, area, style)
}

fn one(text: &str, area: Rect, style: Style) -> Vec<Line<'static>> {
    vec![Line::styled(fit(&visible::one_line(text), area.width), style)]
}

/// All of `text`, in as many lines as that takes: at most half of `area`, and [`TOLD_LINES_MAX`].
fn whole(text: &str, area: Rect, style: Style) -> Vec<Line<'static>> {
    let text = visible::one_line(text);
    let lines_max = usize::from(TOLD_LINES_MAX.min(area.height / 2).max(1));
    let mut lines = textwrap::wrap(&text, usize::from(area.width.max(1)));
    if lines.len() > lines_max {
        lines.truncate(lines_max);
        if let Some(last) = lines.last_mut() {
            *last = fit(&format!("{last} …"), area.width).into();
        }
    }
    lines.into_iter().map(|line| Line::styled(line.into_owned(), style)).collect()
}

/// Lines fit on a screen, whose height is a u16.
fn height(lines: &[Line<'_>]) -> u16 {
    u16::try_from(lines.len()).unwrap_or(u16::MAX)
}

/// The keys, as many as fit, the most important ones first.
fn help_line(keys: &[(&'static str, &'static str)], width: u16, theme: Theme) -> Line<'static> {
    let mut spans = Vec::new();
    let mut room = usize::from(width);
    for (key, what) in keys {
        let size = key.width() + 1 + what.width() + 2;
        // The gap behind the last one needs no room.
        if size > room + 2 {
            break;
        }
        room = room.saturating_sub(size);
        spans.extend([Span::styled(*key, theme.key()), Span::raw(" "), Span::raw(*what), Span::raw("  ")]);
    }
    Line::from(spans)
}

/// As much of `text` as fits into `width` columns; `…` stands for what does not.
fn fit(text: &str, width: u16) -> String {
    let width = usize::from(width);
    if text.width() <= width {
        return text.to_owned();
    }
    let mut shown = String::new();
    for character in text.chars() {
        shown.push(character);
        if shown.width() > width.saturating_sub(1) {
            shown.pop();
            break;
        }
    }
    shown.push('…');
    shown
}

/// Draws a field into one line, scrolled so that the cursor is in sight; the cursor is the terminal's.
fn draw_field(frame: &mut Frame, area: Rect, field: &Field, has_focus: bool, theme: Theme) {
    let (before, after) = field.around_cursor();
    let (before, after) = (visible::one_line(before), visible::one_line(after));
    let room = usize::from(area.width.saturating_sub(1));
    let mut skipped = before.chars();
    let mut width = before.width();
    while width > room && skipped.next().is_some() {
        width = skipped.as_str().width();
    }
    let style = if field.is_proposal() { theme.quiet() } else { Style::new() };
    let line = Line::styled(format!("{}{after}", skipped.as_str()), style);
    frame.render_widget(line, area);
    if has_focus {
        // It is at most `room`, which is a u16.
        let column = area.x + u16::try_from(width).unwrap_or_default();
        frame.set_cursor_position(Position::new(column.min(area.right().saturating_sub(1)), area.y));
    }
}

/// A box in the middle, over what is there; gives its inside.
fn draw_box(frame: &mut Frame, area: Rect, title: &str, size: (u16, u16), theme: Theme) -> Rect {
    let width = size.0.min(area.width);
    let height = size.1.min(area.height);
    let outside = Rect::new(area.x + (area.width - width) / 2, area.y + (area.height - height) / 2, width, height);
    let title = format!(" {} ", fit(title, width.saturating_sub(4)));
    let block = Block::bordered().border_type(BorderType::Rounded).border_style(theme.frame()).title(title);
    let inside = block.inner(outside);
    frame.render_widget(Clear, outside);
    frame.render_widget(block, outside);
    inside
}

/// Text in a box, wrapped.
fn draw_text(frame: &mut Frame, area: Rect, text: &str) {
    let lines: Vec<Line<'_>> =
        textwrap::wrap(text, usize::from(area.width.max(1))).into_iter().map(Line::from).collect();
    frame.render_widget(Paragraph::new(lines), area);
}

#[cfg(test)]
mod tests;
