//! The first screen.

use ratatui::Frame;
use ratatui::layout::{Alignment, Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::text::Line;

use super::theme::Theme;
use super::{draw_box, draw_field};
use crate::app::connect::Focus;
use crate::app::field::Field;
use crate::app::{App, Status};

pub(super) fn draw(frame: &mut Frame, area: Rect, app: &App, theme: Theme) -> Vec<(&'static str, &'static str)> {
    let inside = draw_box(frame, area, "Chat", (56, 9), theme);
    let is_connecting = matches!(app.status, Status::Connecting);
    let form = &app.connect;
    let [_, username, _, address, _, button, _] = Layout::vertical([
        Constraint::Fill(1),
        Constraint::Length(1),
        Constraint::Fill(1),
        Constraint::Length(1),
        Constraint::Fill(1),
        Constraint::Length(1),
        Constraint::Fill(1),
    ])
    .areas(inside);
    let has_focus = |focus| form.focus == focus && !is_connecting;
    draw_labelled(frame, username, "User name", &form.username, has_focus(Focus::Username), theme);
    draw_labelled(frame, address, "Node address", &form.address, has_focus(Focus::Address), theme);
    let (label, style) = match (is_connecting, form.focus) {
        (true, _) => ("Connecting …", Style::new()),
        (false, Focus::Connect) => ("[ Connect ]", Theme::selected()),
        (false, _) => ("[ Connect ]", Style::new()),
    };
    frame.render_widget(Line::styled(label, style).alignment(Alignment::Center), button);
    match (is_connecting, form.focus) {
        (true, _) => vec![("Esc", "cancel"), ("Ctrl-Q", "quit")],
        (false, Focus::Connect) => vec![("Enter", "connect"), ("q", "quit"), ("Tab", "next field")],
        (false, _) => vec![("Enter", "connect"), ("Tab", "next field"), ("Ctrl-Q", "quit")],
    }
}

/// A field with its name before it.
pub(super) fn draw_labelled(
    frame: &mut Frame,
    area: Rect,
    label: &'static str,
    field: &Field,
    has_focus: bool,
    theme: Theme,
) {
    let [name, input] = Layout::horizontal([Constraint::Length(15), Constraint::Min(1)]).areas(area);
    let (mark, style) = if has_focus { ("› ", theme.focus()) } else { ("  ", Style::new()) };
    frame.render_widget(Line::styled(format!("{mark}{label}"), style), name);
    draw_field(frame, input, field, has_focus, theme);
}
