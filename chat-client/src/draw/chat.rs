//! The third screen: messages, members, and the line to type into.

use chat_protocol::ChatMessage;
use jiff::tz::TimeZone;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Margin, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, BorderType, Paragraph};
use textwrap::core::Word;
use textwrap::{Options, WordSeparator};

use super::theme::Theme;
use super::{draw_field, fit, height, is_roomy, whole};
use crate::app::chat::{Chat, Membership, View};
use crate::app::history::{Content, Entry};
use crate::visible::{self, one_line};

/// Width of the members beside the messages.
const MEMBERS_WIDTH: u16 = 20;

/// Least width for messages: names and words still fit.
const MESSAGES_WIDTH_MIN: u16 = 10;

/// Width from which on the time has its seconds.
const SECONDS_WIDTH: u16 = 50;

/// What begins a line about the room.
const EVENT_MARK: &str = "* ";

pub(super) fn draw(
    frame: &mut Frame,
    area: Rect,
    chat: &mut Chat,
    zone: &TimeZone,
    theme: Theme,
) -> Vec<(&'static str, &'static str)> {
    let is_roomy = is_roomy(area);
    let shows_members = is_roomy != chat.view.is_toggled;
    let frame_width = u16::from(is_roomy);
    let over = match &chat.membership {
        Membership::Over(reason) => Some(whole(reason, area.inner(Margin::new(frame_width, frame_width)), theme.bad())),
        _ => None,
    };
    let input_height = over.as_deref().map_or(1, height);
    let input = if is_roomy {
        let [upper, lower] = Layout::vertical([Constraint::Min(3), Constraint::Length(input_height + 2)]).areas(area);
        let members_width = if shows_members { MEMBERS_WIDTH } else { 0 };
        let [left, right] = Layout::horizontal([Constraint::Min(1), Constraint::Length(members_width)]).areas(upper);
        let block = Block::bordered().border_type(BorderType::Rounded).border_style(theme.frame());
        let title = fit(&title(chat), left.width.saturating_sub(4));
        let messages = block.clone().title(Span::styled(format!(" {title} "), theme.heading()));
        let inside = messages.inner(left);
        frame.render_widget(messages, left);
        draw_messages(frame, inside, chat, zone, theme);
        if shows_members {
            let members = block.clone().title(format!(" Members ({}) ", chat.members.len()));
            let inside = members.inner(right);
            frame.render_widget(members, right);
            draw_members(frame, inside, chat, theme);
        }
        let inside = block.inner(lower);
        frame.render_widget(block, lower);
        inside
    } else {
        let [top, middle, bottom] =
            Layout::vertical([Constraint::Length(1), Constraint::Min(1), Constraint::Length(input_height)]).areas(area);
        let members = match chat.members.len() {
            1 => "1 member".to_owned(),
            number => format!("{number} members"),
        };
        let text = format!("{} · {} · {members}", one_line(&chat.name), one_line(&chat.node));
        let title = fit(&text, top.width);
        frame.render_widget(Line::styled(format!("{title:<0$}", usize::from(top.width)), Theme::selected()), top);
        if shows_members {
            draw_members(frame, middle, chat, theme);
        } else {
            draw_messages(frame, middle, chat, zone, theme);
        }
        bottom
    };
    if let Some(lines) = over {
        frame.render_widget(Paragraph::new(lines), input);
        return vec![("Esc", "back to the rooms"), ("q", "quit"), ("PgUp/PgDn", "scroll")];
    }
    draw_input(frame, input, chat, theme);
    vec![("Enter", "send"), ("Esc", "leave"), ("Tab", "members"), ("PgUp/PgDn", "scroll"), ("Ctrl-Q", "quit")]
}

fn title(chat: &Chat) -> String {
    let description = chat.description.as_deref().filter(|text| !text.is_empty());
    let description = description.map(|text| format!(" · {}", one_line(text))).unwrap_or_default();
    format!("{} · {}{description}", one_line(&chat.name), one_line(&chat.node))
}

fn draw_members(frame: &mut Frame, area: Rect, chat: &Chat, theme: Theme) {
    let height = usize::from(area.height);
    // With more than fit, the last line counts the others.
    let shown = if chat.members.len() > height { height.saturating_sub(1) } else { height };
    let mut lines: Vec<Line<'_>> = chat
        .members
        .iter()
        .take(shown)
        .map(|name| {
            let style = theme.name(name, *name == chat.user.username);
            Line::styled(fit(&format!(" {}", one_line(name)), area.width), style)
        })
        .collect();
    if chat.members.len() > height {
        lines.push(Line::styled(format!(" and {} more", chat.members.len() - shown), theme.quiet()));
    }
    frame.render_widget(Paragraph::new(lines), area);
}

fn draw_input(frame: &mut Frame, area: Rect, chat: &Chat, theme: Theme) {
    let waiting = match &chat.membership {
        Membership::Joining | Membership::Retry(_) => "joining …".to_owned(),
        Membership::Joined | Membership::Removed | Membership::Over(_) => match chat.outbox.len() {
            0 => String::new(),
            number => format!("sending {number} …"),
        },
    };
    let below = match chat.view.below {
        0 => String::new(),
        lines => format!("↓ {lines} more lines"),
    };
    let side = if waiting.is_empty() { below } else { waiting };
    // It fits: it is made above.
    let side_width = u16::try_from(side.chars().count()).unwrap_or(0).min(area.width / 2);
    let [mark, input, right] =
        Layout::horizontal([Constraint::Length(2), Constraint::Min(1), Constraint::Length(side_width)]).areas(area);
    frame.render_widget(Line::styled("> ", theme.focus()), mark);
    draw_field(frame, input, &chat.input, true, theme);
    frame.render_widget(Line::styled(side, theme.quiet()), right);
}

/// Draws the part of the history that is to be seen: what came last at the bottom.
fn draw_messages(frame: &mut Frame, area: Rect, chat: &mut Chat, zone: &TimeZone, theme: Theme) {
    let time_width = if area.width >= SECONDS_WIDTH { 9 } else { 6 };
    let width = area.width.saturating_sub(time_width).max(MESSAGES_WIDTH_MIN);
    let time_width = usize::from(time_width);
    let mut total = 0;
    for entry in chat.history.entries() {
        total += wrap(entry, width).len();
    }
    scroll_along(&mut chat.view, area.height, width, total);
    let view = &chat.view;
    let mut skip = total.saturating_sub(view.height + view.below);
    let mut lines = Vec::with_capacity(view.height);
    for entry in chat.history.entries().iter() {
        let Some((_, wrapped)) = &entry.wrapped else { continue };
        if skip >= wrapped.len() {
            skip -= wrapped.len();
            continue;
        }
        let new = wrapped.iter().enumerate().skip(skip).take(view.height - lines.len());
        let time = match &entry.content {
            Content::Message(message) => visible::time_of_day(&message.timestamp, zone),
            Content::Event(_) => String::new(),
        };
        lines.extend(new.map(|(index, text)| {
            let time: String = if index == 0 { time.chars().take(time_width - 1).collect() } else { String::new() };
            let time = Span::styled(format!("{time:<time_width$}"), theme.quiet());
            line(time, &entry.content, index, text, &chat.user.username, theme)
        }));
        skip = 0;
    }
    // A short history begins at the bottom, where the eyes are.
    let empty = u16::try_from(view.height - lines.len()).unwrap_or(0);
    let bottom = Rect { y: area.y + empty, height: area.height - empty, ..area };
    frame.render_widget(Paragraph::new(lines), bottom);
}

/// Keeps what is shown where it is while more comes in below.
fn scroll_along(view: &mut View, height: u16, width: u16, total: usize) {
    let height = usize::from(height);
    if view.below > 0 && view.width == width {
        view.below += total.saturating_sub(view.total);
    }
    view.below = view.below.min(total.saturating_sub(height));
    (view.height, view.width, view.total) = (height, width, total);
}

/// The entry's lines for this width, wrapped anew only when the width is another.
fn wrap(entry: &mut Entry, width: u16) -> &[String] {
    if entry.wrapped.as_ref().is_none_or(|(of, _)| *of != width) {
        let options =
            Options::new(usize::from(width)).subsequent_indent("  ").word_separator(WordSeparator::Custom(words));
        let text = match &entry.content {
            Content::Message(message) => message_text(message),
            Content::Event(text) => format!("{EVENT_MARK}{}", one_line(text)),
        };
        let lines = text.split('\n').enumerate().flat_map(|(index, line)| {
            let indent = if index == 0 { "" } else { "  " };
            textwrap::wrap(line, options.clone().initial_indent(indent))
        });
        entry.wrapped = Some((width, lines.map(std::borrow::Cow::into_owned).collect()));
    }
    entry.wrapped.as_ref().map_or(&[], |(_, lines)| lines)
}

/// Where a line may break: at spaces, and between the signs of scripts that have none.
fn words(line: &str) -> Box<dyn Iterator<Item = Word<'_>> + '_> {
    let mut rest = line;
    Box::new(std::iter::from_fn(move || {
        let mut characters = rest.char_indices().skip(1);
        let mut last = rest.chars().next()?;
        let end = characters.find(|&(_, character)| {
            let is_between = (last == ' ' && character != ' ')
                || (is_ideograph(character) && last != ' ')
                || (is_ideograph(last) && character.is_alphanumeric());
            last = character;
            is_between
        });
        let (word, others) = rest.split_at(end.map_or(rest.len(), |(index, _)| index));
        rest = others;
        Some(Word::from(word))
    }))
}

/// Han, kana and hangul.
fn is_ideograph(character: char) -> bool {
    matches!(character, '\u{3041}'..='\u{9FFF}' | '\u{AC00}'..='\u{D7AF}' | '\u{20000}'..='\u{3FFFF}')
}

/// Name and text; the only line feeds are those between its lines.
fn message_text(message: &ChatMessage) -> String {
    let lines: Vec<_> = visible::lines(&message.content).collect();
    format!("{}: {}", one_line(&message.username), lines.join("\n"))
}

/// The line of this index of an entry, behind the time.
fn line(time: Span<'static>, content: &Content, index: usize, text: &str, user: &str, theme: Theme) -> Line<'static> {
    match content {
        Content::Event(_) => Line::from(vec![time, Span::styled(text.to_owned(), theme.quiet())]),
        Content::Message(message) => {
            let name = one_line(&message.username);
            // A very long name was wrapped itself, and stays plain.
            match text.strip_prefix(&*name) {
                Some(rest) if index == 0 => {
                    let style = theme.name(&message.username, message.username == user);
                    Line::from(vec![time, Span::styled(name.into_owned(), style), Span::raw(rest.to_owned())])
                }
                _ => Line::from(vec![time, Span::raw(text.to_owned())]),
            }
        }
    }
}
