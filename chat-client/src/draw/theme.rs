//! How things look. Without colours, what matters is told by bold, dim and reversed text.

use ratatui::style::{Color, Modifier, Style};

/// Colours for names: all readable on dark and on light.
const NAME_COLOURS: [Color; 5] = [Color::Cyan, Color::Magenta, Color::Yellow, Color::Blue, Color::Red];

/// With or without colours.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Theme {
    has_colours: bool,
}

impl Theme {
    /// With colours, unless `NO_COLOR` is set to anything but nothing (see no-color.org).
    pub(crate) fn from_environment() -> Self {
        Self { has_colours: std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()) }
    }

    #[cfg(test)]
    pub(crate) const PLAIN: Self = Self { has_colours: false };

    fn coloured(self, colour: Color) -> Style {
        if self.has_colours { Style::new().fg(colour) } else { Style::new() }
    }

    pub(crate) fn good(self) -> Style {
        self.coloured(Color::Green)
    }

    pub(crate) fn bad(self) -> Style {
        self.coloured(Color::Red).add_modifier(Modifier::BOLD)
    }

    pub(crate) fn key(self) -> Style {
        self.coloured(Color::Cyan).add_modifier(Modifier::BOLD)
    }

    pub(crate) fn frame(self) -> Style {
        self.coloured(Color::DarkGray)
    }

    pub(crate) fn focus(self) -> Style {
        self.coloured(Color::Cyan).add_modifier(Modifier::BOLD)
    }

    pub(crate) fn heading(self) -> Style {
        self.coloured(Color::Cyan).add_modifier(Modifier::BOLD)
    }

    pub(crate) fn quiet(self) -> Style {
        self.coloured(Color::DarkGray).add_modifier(Modifier::DIM)
    }

    /// Reversed in any case: it is seen on every background.
    pub(crate) fn selected() -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }

    /// A person's name: always the same colour for the same name; one's own is green.
    pub(crate) fn name(self, name: &str, is_own: bool) -> Style {
        let index = name.bytes().fold(0_usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(usize::from(byte)));
        let colour = if is_own { Color::Green } else { NAME_COLOURS[index % NAME_COLOURS.len()] };
        self.coloured(colour).add_modifier(Modifier::BOLD)
    }
}
