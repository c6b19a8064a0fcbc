//! The terminal, taken whole, and given back as it was.

use std::io;
use std::thread;

use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use ratatui::crossterm::tty::IsTty;
use ratatui::{DefaultTerminal, Frame};
use rustix::process::getpgrp;
use rustix::stdio::stdin;
use rustix::termios::tcgetpgrp;
use service::logging::colour_is_welcome;
use tokio::sync::mpsc;

use super::draw::Theme;

/// Keys that wait for the program; then the terminal keeps them.
const KEYS_MAX: usize = 16;

/// The terminal; dropping this gives it back.
#[derive(Debug)]
pub(crate) struct Screen {
    terminal: DefaultTerminal,
    keys: mpsc::Receiver<io::Result<Event>>,
    theme: Theme,
}

impl Screen {
    /// Whether there is a terminal to draw on, and somebody at its keys: not in a pipe, nor in a terminal's background,
    /// where taking it would stop the program.
    pub(crate) fn is_possible() -> bool {
        let is_foreground = || tcgetpgrp(stdin()).is_ok_and(|foreground| foreground == getpgrp());
        io::stdout().is_tty() && io::stdin().is_tty() && is_foreground()
    }

    /// Takes the terminal.
    ///
    /// # Errors
    /// When it cannot be set up.
    pub(crate) fn open() -> io::Result<Self> {
        let theme = Theme { has_colours: colour_is_welcome(&io::stdout()) };
        // Its hook also restores the terminal before a panic's message.
        let terminal = ratatui::try_init()?;
        Ok(Self { terminal, keys: read_terminal(), theme })
    }

    /// Draws the screen anew.
    ///
    /// # Errors
    /// When the terminal takes nothing.
    pub(crate) fn draw(&mut self, picture: impl FnOnce(&mut Frame, Theme)) -> io::Result<()> {
        let theme = self.theme;
        self.terminal.draw(|frame| picture(frame, theme))?;
        Ok(())
    }

    /// Waits until somebody wants the end: q, Esc or Ctrl-C. It may be dropped while it waits.
    pub(crate) async fn wish_to_end(&mut self) {
        while let Some(event) = self.keys.recv().await {
            match event {
                Ok(Event::Key(key)) if is_end(&key) => return,
                Ok(_) => {}
                // The terminal is gone.
                Err(_) => return,
            }
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // A terminal that is gone needs nothing back.
        let _ = ratatui::try_restore();
    }
}

fn is_end(key: &KeyEvent) -> bool {
    let is_control = key.modifiers.contains(KeyModifiers::CONTROL);
    key.kind != KeyEventKind::Release
        && match key.code {
            KeyCode::Esc | KeyCode::Char('q' | 'Q') => true,
            KeyCode::Char('c' | 'C') => is_control,
            _ => false,
        }
}

/// Reads the terminal in a thread of its own, which ends with the program.
fn read_terminal() -> mpsc::Receiver<io::Result<Event>> {
    let (sender, receiver) = mpsc::channel(KEYS_MAX);
    thread::spawn(move || {
        loop {
            let event = event::read();
            let is_over = event.is_err();
            if sender.blocking_send(event).is_err() || is_over {
                return;
            }
        }
    });
    receiver
}
