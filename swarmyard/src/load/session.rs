//! Following a run: what happens is counted and shown until it is over, or somebody wants its end.

use std::future::pending;
use std::io;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval, sleep_until};
use tokio_util::sync::CancellationToken;

use super::crew::Crew;
use super::draw::draw;
use super::progress::Progress;
use super::report;
use super::screen::Screen;
use super::terms::Terms;
use crate::stdout::print;

/// How often the picture is drawn anew.
const FRAME: Duration = Duration::from_millis(100);

/// Where a run is shown while it goes on.
#[derive(Debug)]
pub(crate) enum View {
    /// As a picture.
    Screen(Screen),
    /// As a line a second.
    Lines,
    /// Not at all.
    Nothing,
}

impl View {
    /// The best that there is; nothing where stdout is for programs.
    ///
    /// # Errors
    /// When the terminal cannot be set up.
    pub(crate) fn open(is_for_programs: bool) -> io::Result<Self> {
        if is_for_programs {
            return Ok(Self::Nothing);
        }
        if Screen::is_possible() { Screen::open().map(Self::Screen) } else { Ok(Self::Lines) }
    }

    fn show(&mut self, progress: &Progress, terms: &Terms, second_is_over: bool, is_ending: bool) -> io::Result<()> {
        match self {
            Self::Screen(screen) => screen.draw(|frame, theme| draw(frame, progress, terms, is_ending, theme)),
            Self::Lines if second_is_over => print(&format!("{}\n", report::line(progress, terms))),
            Self::Lines | Self::Nothing => Ok(()),
        }
    }

    async fn wish_to_end(&mut self) {
        match self {
            Self::Screen(screen) => screen.wish_to_end().await,
            Self::Lines | Self::Nothing => pending().await,
        }
    }
}

/// Follows the workers until they have ended. When the time of `terms` is over, or somebody wishes it, `end` tells
/// them; who wishes it twice waits for nobody.
///
/// # Errors
/// When what there is to show cannot be written.
pub(crate) async fn follow(
    mut crew: Crew,
    view: &mut View,
    terms: &Terms,
    signal: &CancellationToken,
    end: impl Fn(),
) -> io::Result<Progress> {
    let (mut progress, mut is_ending) = (Progress::new(), false);
    let start = crew.start_time();
    let mut frames = interval(FRAME);
    frames.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let (is_wished, is_over) = tokio::select! {
            _ = frames.tick() => (false, false),
            () = sleep_until((start + terms.duration).into()), if !is_ending => (true, false),
            () = signal.cancelled(), if !is_ending => (true, false),
            () = view.wish_to_end() => (true, is_ending),
            () = crew.ended() => (false, true),
        };
        if is_wished {
            is_ending = true;
            end();
        }
        let second_is_over = progress.take(crew.news(), start.elapsed());
        view.show(&progress, terms, second_is_over, is_ending)?;
        if is_over {
            return Ok(progress);
        }
    }
}
