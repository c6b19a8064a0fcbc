//! The loop between terminal, [`App`] and the node.

use std::io;
use std::thread;
use std::time::Duration;

use jiff::tz::TimeZone;
use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, DisableBracketedPaste, EnableBracketedPaste, Event, KeyEventKind};
use ratatui::crossterm::execute;
use ratatui::crossterm::tty::IsTty;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::app::{Action, App, Input};
use crate::arguments::ScreenArguments;
use crate::draw::draw;
use crate::draw::theme::Theme;
use crate::link::{Link, LinkEvent};

/// How often time-outs and the countdown on the screen are looked at.
const TICK: Duration = Duration::from_millis(250);

/// Least time between two drawings: a busy room needs no more.
const FRAME: Duration = Duration::from_millis(20);

/// Keys that wait for the program; then the terminal keeps them.
const KEYS_MAX: usize = 256;

/// Why the screens ended early. Its `Display` is for a person.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ScreenError {
    #[error("this needs a terminal; in scripts use `chat-client send` and `chat-client tail`")]
    NoTerminal,
    #[error("the terminal failed: {0}")]
    Terminal(#[from] io::Error),
}

/// Runs the screens until the user, a signal or the terminal ends them.
pub(crate) async fn run(arguments: ScreenArguments) -> Result<(), ScreenError> {
    if !io::stdout().is_tty() || !io::stdin().is_tty() {
        return Err(ScreenError::NoTerminal);
    }
    let signals = Signals::catch()?;
    // Its hook also restores the terminal before a panic's message.
    let mut terminal = ratatui::try_init()?;
    let result = match execute!(io::stdout(), EnableBracketedPaste) {
        Ok(()) => Session::new(arguments, signals).run(&mut terminal).await,
        Err(error) => Err(error),
    };
    // Both are tried, whatever becomes of the first.
    let pasting = execute!(io::stdout(), DisableBracketedPaste);
    let restored = ratatui::try_restore();
    Ok(result.and(pasting).and(restored)?)
}

struct Signals {
    terminate: Signal,
    hangup: Signal,
}

impl Signals {
    fn catch() -> io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, hangup: signal(SignalKind::hangup())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.hangup.recv() => {}
        }
    }
}

struct Session {
    app: App,
    link: Option<Link>,
    signals: Signals,
    theme: Theme,
}

enum Next {
    Event(io::Result<Event>),
    Link(LinkEvent),
    Tick,
    End,
}

impl Session {
    fn new(arguments: ScreenArguments, signals: Signals) -> Self {
        let (app, actions) = App::start(arguments, TimeZone::system(), Instant::now());
        let mut session = Self { app, link: None, signals, theme: Theme::from_environment() };
        // There is no connection yet, and so no room to leave: nothing here takes time, or ends.
        for action in actions {
            if let Action::Connect(address) = action {
                session.link = Some(Link::open(address));
            }
        }
        session
    }

    async fn run(mut self, terminal: &mut DefaultTerminal) -> io::Result<()> {
        let mut events = read_terminal();
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut drawn = None;
        loop {
            if drawn.is_none_or(|drawn: Instant| drawn.elapsed() >= FRAME) || is_idle(&events, self.link.as_ref()) {
                terminal.draw(|frame| draw(frame, &mut self.app, self.theme))?;
                drawn = Some(Instant::now());
            }
            let next = tokio::select! {
                event = events.recv() => event.map_or(Next::End, Next::Event),
                event = link_event(self.link.as_mut()) => Next::Link(event),
                _ = tick.tick() => Next::Tick,
                () = self.signals.next() => Next::End,
            };
            let input = match next {
                Next::Event(Err(error)) => return Err(error),
                Next::Event(Ok(Event::Key(key))) if key.kind != KeyEventKind::Release => Input::Key(key),
                Next::Event(Ok(Event::Paste(text))) => Input::Paste(text),
                // Mostly a resize: drawing takes the size as it is.
                Next::Event(Ok(_)) | Next::Tick => Input::Tick,
                Next::Link(event) => Input::Link(event),
                Next::End => {
                    let actions = self.app.quit();
                    self.act(actions).await;
                    return Ok(());
                }
            };
            let actions = self.app.update(input, Instant::now());
            if self.act(actions).await {
                return Ok(());
            }
        }
    }

    /// Does what is to be done; true when that is to end.
    async fn act(&mut self, actions: Vec<Action>) -> bool {
        for action in actions {
            match action {
                Action::Connect(address) => self.link = Some(Link::open(address)),
                Action::Disconnect => {
                    if let Some(link) = self.link.take() {
                        // Its end has a limit of its own, and nobody needs to wait for it.
                        tokio::spawn(link.close());
                    }
                }
                Action::Send(request) => {
                    if let Some(link) = &mut self.link {
                        link.send(request);
                    }
                }
                Action::Quit => {
                    if let Some(link) = self.link.take() {
                        link.close().await;
                    }
                    return true;
                }
            }
        }
        false
    }
}

/// Whether nothing waits: then what there is can be shown at once.
fn is_idle(events: &mpsc::Receiver<io::Result<Event>>, link: Option<&Link>) -> bool {
    events.is_empty() && link.is_none_or(Link::is_idle)
}

/// The link's next event; never comes without a link.
async fn link_event(link: Option<&mut Link>) -> LinkEvent {
    match link {
        Some(link) => match link.event().await {
            Some(event) => event,
            None => std::future::pending().await,
        },
        None => std::future::pending().await,
    }
}

/// Reads the terminal in a thread of its own, which ends with the program.
fn read_terminal() -> mpsc::Receiver<io::Result<Event>> {
    let (sender, receiver) = mpsc::channel(KEYS_MAX);
    thread::spawn(move || {
        loop {
            let event = event::read();
            let is_end = event.is_err();
            if sender.blocking_send(event).is_err() || is_end {
                return;
            }
        }
    });
    receiver
}
