//! The second screen: the list of rooms, and the questions over it.

use chat_protocol::Room;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::Line;
use ratatui::widgets::{Block, BorderType, Cell, Paragraph, Row, Table, TableState};

use super::connect::draw_labelled;
use super::theme::Theme;
use super::{draw_box, draw_text, fit, height, is_roomy, whole};
use crate::app::rooms::{Dialog, RoomList, is_local};
use crate::app::{App, Status};
use crate::visible::one_line;

pub(super) fn draw(frame: &mut Frame, area: Rect, app: &App, theme: Theme) -> Vec<(&'static str, &'static str)> {
    let rooms = &app.rooms;
    let inside = if is_roomy(area) {
        let block = Block::bordered().border_type(BorderType::Rounded).border_style(theme.frame()).title(" Rooms ");
        let inside = block.inner(area);
        frame.render_widget(block, area);
        inside
    } else {
        area
    };
    let missing_nodes = rooms.missing_nodes.as_ref();
    let told = missing_nodes.map(|nodes| whole(&format!("Rooms are missing: {nodes}"), inside, theme.bad()));
    let told = told.unwrap_or_default();
    let [list, missing] = Layout::vertical([Constraint::Min(1), Constraint::Length(height(&told))]).areas(inside);
    draw_list(frame, list, rooms, theme);
    frame.render_widget(Paragraph::new(told), missing);
    match &rooms.dialog {
        Some(Dialog::Create { name, description, is_description }) => {
            let inside = draw_box(frame, area, "New room", (64, 5), theme);
            let [_, first, second] =
                Layout::vertical([Constraint::Fill(1), Constraint::Length(1), Constraint::Length(1)]).areas(inside);
            draw_labelled(frame, first, "Name", name, !is_description, theme);
            draw_labelled(frame, second, "Description", description, *is_description, theme);
            vec![("Enter", "create"), ("Tab", "next field"), ("Esc", "cancel")]
        }
        Some(Dialog::Delete(room)) => {
            let name = fit(&one_line(&room.room_name), 60);
            let inside = draw_box(frame, area, "Delete room", (60, 7), theme);
            draw_text(
                frame,
                inside,
                &format!("Delete {name}, with all its messages, for everybody?\n\ny deletes it, n keeps it."),
            );
            vec![("y", "delete it"), ("n", "keep it"), ("Esc", "keep it")]
        }
        None if !matches!(app.status, Status::Online) => vec![("Esc", "disconnect"), ("q", "quit")],
        None => vec![
            ("Enter", "join"),
            ("c", "create"),
            ("r", "refresh"),
            ("q", "quit"),
            ("Esc", "disconnect"),
            ("d", "delete"),
            ("↑↓", "choose"),
        ],
    }
}

fn draw_list(frame: &mut Frame, area: Rect, rooms: &RoomList, theme: Theme) {
    if rooms.rooms.is_empty() {
        let text = match (rooms.is_loading, rooms.is_known) {
            (true, _) => "Asking the nodes for their rooms …",
            (false, true) => "There is no room yet: press c to create the first one.",
            (false, false) => "The rooms are not known: press r to ask for them.",
        };
        draw_text(frame, area, text);
        return;
    }
    let mut rows = Vec::new();
    let mut selected = None;
    let mut last = None;
    for (index, room) in rooms.rooms.iter().enumerate() {
        let is_local = is_local(room);
        if last != Some(is_local) {
            let heading = match (is_local, &rooms.node) {
                (true, Some(node)) => format!("On this node, {}", one_line(node)),
                (true, None) => "On this node".to_owned(),
                (false, _) => "On other nodes".to_owned(),
            };
            rows.push(Row::new([Cell::new(Line::styled(heading, theme.heading()))]));
            last = Some(is_local);
        }
        if rooms.selected() == Some(index) {
            selected = Some(rows.len());
        }
        rows.push(row(room));
    }
    let loading = if rooms.is_loading { "Room (asking …)" } else { "Room" };
    // Where there is little room, the description goes first.
    let (widths, titles) = if area.width >= super::ROOMY_WIDTH - 2 {
        (
            vec![Constraint::Fill(3), Constraint::Length(7), Constraint::Length(12), Constraint::Fill(4)],
            vec![loading, "Members", "Node", "Description"],
        )
    } else {
        (vec![Constraint::Fill(1), Constraint::Length(7), Constraint::Length(8)], vec![loading, "Members", "Node"])
    };
    let table = Table::new(rows, widths)
        .header(Row::new(titles).style(theme.quiet()))
        .row_highlight_style(Theme::selected())
        .column_spacing(1);
    frame.render_stateful_widget(table, area, &mut TableState::new().with_selected(selected));
}

fn row(room: &Room) -> Row<'static> {
    let name = format!("  {}", one_line(&room.room_name));
    let members = format!("{:>7}", room.member_count);
    let description = room.description.as_deref().map(one_line).unwrap_or_default().into_owned();
    Row::new([name, members, one_line(&room.admin_node).into_owned(), description])
}
