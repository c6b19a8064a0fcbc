use std::thread;

use proptest::prelude::*;
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};

use super::*;

const INTERVAL: Duration = Duration::from_secs(15);

/// At most ten replicas with ten requests each, and the window of Kubernetes.
const RULES: Rules = Rules { min: 1, max: 10, target: 10.0, window: Duration::from_mins(5) };

fn at(step: u32) -> Duration {
    INTERVAL * step
}

/// The same load on each of so many replicas.
fn evenly(load: f64, replicas: u32) -> Vec<Option<f64>> {
    vec![Some(load / f64::from(replicas)); replicas as usize]
}

fn sample(replicas: u32, in_flight: &[Option<f64>]) -> Sample {
    Sample { replicas, in_flight: in_flight.to_vec(), ..Sample::default() }
}

/// What is decided when nothing has changed for longer than the window.
fn settled(sample: &Sample) -> Decision {
    let later = Sample { at: RULES.window, ..sample.clone() };
    decide(&[sample.clone(), later], &RULES)
}

fn replicas_and_why(sample: &Sample) -> (u32, Because) {
    let decision = settled(sample);
    (decision.replicas, decision.because)
}

/// A service whose load is shared evenly, and whose new replicas take some steps until they serve.
struct Service {
    rules: Rules,
    lag: u32,
    history: Vec<Sample>,
    replicas: u32,
    serving: u32,
    grown_at: u32,
}

impl Service {
    fn new(rules: Rules, replicas: u32, lag: u32) -> Self {
        Self { rules, lag, history: Vec::new(), replicas, serving: replicas, grown_at: 0 }
    }

    /// Lets it be seen once under this load, and gives how many replicas it has then.
    fn step(&mut self, load: f64) -> u32 {
        let step = u32::try_from(self.history.len()).unwrap();
        if step >= self.grown_at + self.lag {
            self.serving = self.replicas;
        }
        self.serving = self.serving.min(self.replicas);
        let not_ready = self.replicas - self.serving;
        let in_flight = evenly(load, self.serving);
        self.history.push(Sample { at: at(step), replicas: self.replicas, in_flight, not_ready, is_updating: false });
        let decided = decide(&self.history, &self.rules).replicas;
        if decided > self.replicas {
            self.grown_at = step;
        }
        self.replicas = decided;
        decided
    }
}

fn rules() -> impl Strategy<Value = Rules> {
    let bounds = (1_u32..20, 0_u32..50);
    (bounds, 0.5..100.0, 3_u32..25).prop_map(|((min, more), target, steps)| Rules {
        min,
        max: min + more,
        target,
        window: at(steps),
    })
}

#[test]
fn there_are_as_many_as_bring_each_to_the_target() {
    for (replicas, load, wanted) in [(3, 55.0, 6), (3, 60.0, 6), (3, 61.0, 7), (10, 15.0, 2), (4, 0.0, 1), (2, 99.0, 6)]
    {
        let found = replicas_and_why(&sample(replicas, &evenly(load, replicas)));
        assert_eq!(found, (wanted, Because::Load), "{load} on {replicas}");
    }
}

#[test]
fn a_tenth_more_or_less_changes_nothing() {
    for load in [45.1, 50.0, 54.9] {
        assert_eq!(replicas_and_why(&sample(5, &evenly(load, 5))), (5, Because::Near), "{load}");
    }
    assert_eq!(replicas_and_why(&sample(5, &evenly(55.1, 5))), (6, Because::Load));
    // Fewer would not do.
    assert_eq!(replicas_and_why(&sample(5, &evenly(44.9, 5))), (5, Because::Load));
}

#[test]
fn a_step_doubles_at_most_or_adds_four_and_the_bounds_hold() {
    let rules = Rules { max: 100, ..RULES };
    let grown = |replicas: u32| decide(&[sample(replicas, &evenly(1e9, replicas))], &rules).replicas;
    assert_eq!([1, 3, 4, 30, 60, 100].map(grown), [5, 7, 8, 60, 100, 100]);
    assert_eq!(settled(&sample(8, &evenly(1e9, 8))).replicas, 10);
}

#[test]
fn on_the_way_up_who_does_not_tell_or_serve_counts_as_idle() {
    // 30 on two replicas is half too much; three could carry it.
    let two = [Some(15.0), Some(15.0)];
    assert_eq!(replicas_and_why(&sample(2, &two)), (3, Because::Load));
    assert_eq!(replicas_and_why(&sample(3, &[two[0], two[1], None])), (3, Because::Missing));
    assert_eq!(replicas_and_why(&Sample { not_ready: 1, ..sample(3, &two) }), (3, Because::Missing));
    assert_eq!(replicas_and_why(&Sample { not_ready: 4, ..sample(6, &two) }), (6, Because::Missing));
    // What is known calls for more by itself.
    assert_eq!(replicas_and_why(&sample(3, &[Some(30.0), Some(30.0), None])), (6, Because::Load));
}

#[test]
fn on_the_way_down_who_does_not_tell_counts_as_loaded() {
    assert_eq!(replicas_and_why(&sample(4, &[Some(5.0), Some(5.0), Some(5.0), None])), (3, Because::Load));
    assert_eq!(replicas_and_why(&sample(4, &[Some(5.0), None, None, None])), (4, Because::Load));
    assert_eq!(replicas_and_why(&sample(4, &[Some(8.0), None, None, None])), (4, Because::Missing));
    assert_eq!(replicas_and_why(&sample(4, &[None; 4])), (4, Because::Unknown));
    assert_eq!(replicas_and_why(&sample(4, &[])), (4, Because::Unknown));
}

#[test]
fn one_that_is_off_or_is_updated_is_let_be_and_bounds_go_before_what_is_unknown() {
    assert_eq!(replicas_and_why(&sample(0, &[])), (0, Because::Off));
    let updating = Sample { is_updating: true, ..sample(2, &evenly(100.0, 2)) };
    assert_eq!(replicas_and_why(&updating), (2, Because::Updating));
    assert_eq!(replicas_and_why(&sample(12, &[None])), (10, Because::Bounds));
    let rules = Rules { min: 3, ..RULES };
    assert_eq!(decide(&[sample(2, &[])], &rules).replicas, 3);
    assert_eq!(decide(&[], &RULES).replicas, 0);
}

#[test]
fn replicas_go_when_they_were_too_many_for_the_whole_window() {
    let mut service = Service::new(RULES, 8, 0);
    // At first nobody knows what was before.
    let first_less = (0..100).find(|_| service.step(30.0) < 8).unwrap();
    assert_eq!((at(first_less), service.replicas), (RULES.window, 3));
    assert_eq!(service.step(60.0), 6);
    // One higher need keeps those that it would take.
    let loads = [10.0, 45.0, 10.0];
    let low = loads.map(|load| service.step(load));
    assert_eq!(low, [6; 3]);
    let steps: Vec<_> = (0..20).map(|_| service.step(10.0)).collect();
    assert_eq!(steps.iter().position(|&replicas| replicas == 5), Some(17), "{steps:?}");
    assert_eq!(steps.iter().position(|&replicas| replicas == 1), Some(19), "{steps:?}");
}

#[test]
fn after_a_time_without_samples_what_was_seen_before_it_counts_once_more() {
    let busy = Sample { at: at(0), ..sample(6, &evenly(60.0, 6)) };
    let idle = |step: u32| Sample { at: at(step), ..sample(6, &evenly(5.0, 6)) };
    assert_eq!(decide(&[busy.clone(), idle(1000)], &RULES).replicas, 6);
    assert_eq!(decide(&[busy, idle(1000), idle(1020)], &RULES).replicas, 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn under_a_constant_load_it_goes_one_way_and_stays(
        rules in rules(),
        start in 0.0..1.0,
        load in prop_oneof![Just(0.0), 0.0..5000.0, Just(1e12)],
        lag in 0_u32..4,
    ) {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let start = rules.min + (f64::from(rules.max - rules.min) * start) as u32;
        let mut service = Service::new(rules, start, lag);
        let path: Vec<_> = (0..100).map(|_| service.step(load)).collect();
        prop_assert!(path.is_sorted() || path.is_sorted_by(|one, next| one >= next), "{:?}", path);
        // The longest way up, from one replica to 69, takes six steps; the way down one, after the window.
        let settled = &path[50..];
        let changes = settled.windows(2).filter(|pair| pair[0] != pair[1]).count();
        prop_assert_eq!(changes, 0, "{:?}", path);
    }

    #[test]
    fn a_sawtooth_that_is_shorter_than_the_window_takes_no_replica_away(
        rules in rules(),
        (low, more) in (0.0..200.0_f64, 0.0..2000.0_f64),
        period in any::<prop::sample::Index>(),
        lag in 0_u32..4,
    ) {
        // At least two steps, and one less than the window.
        let periods: Vec<_> = (2..25).take_while(|&steps| at(steps) < rules.window).collect();
        let period: u32 = *period.get(&periods);
        let peak = ((low + more) / rules.target).floor().min(f64::from(rules.max));
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let mut service = Service::new(rules, rules.min.max(peak as u32 / 2), lag);
        let rise = |step: u32| low + more * f64::from(step % period) / f64::from(period - 1);
        let path: Vec<_> = (0..100).map(|step| service.step(rise(step))).collect();
        prop_assert!(path.is_sorted(), "{:?}", path);
    }
}

/// What a random trace goes through.
struct Trace {
    random: SmallRng,
    rules: Rules,
    /// Whether others change the number of replicas, too.
    is_shared: bool,
    load: f64,
}

impl Trace {
    fn new(seed: u64) -> Self {
        let mut random = SmallRng::seed_from_u64(seed);
        let min = random.random_range(1..4_u32);
        let max = min + random.random_range(0..6_u32);
        let rules = Rules { min, max, target: 10.0, window: at(random.random_range(2..5_u32)) };
        Self { rules, is_shared: seed.is_multiple_of(4), load: 10.0 * f64::from(max), random }
    }

    /// What is seen of so many replicas at this step: any load, some of it at nobody who tells.
    fn see(&mut self, step: u32, replicas: u32) -> Sample {
        if self.random.random_bool(0.5) {
            self.load = self.random.random_range(0.0..15.0) * f64::from(self.rules.max);
        }
        let not_ready = if self.random.random_bool(0.3) { self.random.random_range(0..=replicas) } else { 0 };
        let is_telling = self.random.random_range(0.3..1.3);
        let serving = replicas - not_ready;
        let share = self.load / f64::from(serving.max(1));
        let mut one = |_| self.random.random_bool(f64::min(is_telling, 1.0)).then_some(share);
        let in_flight = (0..serving).map(&mut one).collect();
        Sample { at: at(step), replicas, in_flight, not_ready, is_updating: self.random.random_bool(0.05) }
    }

    /// How many replicas there are when it is looked at next.
    fn after(&mut self, decided: u32) -> u32 {
        let is_changed = self.is_shared && self.random.random_bool(0.2);
        if is_changed { self.random.random_range(0..12) } else { decided }
    }
}

/// Whether the change is right whatever is not known, and within the bounds.
fn assert_known(sample: &Sample, decision: &Decision, rules: &Rules, seed: u64) {
    let decided = decision.replicas;
    let context = || format!("seed {seed}: {sample:?}, {decision:?}");
    if decided == sample.replicas {
        return;
    }
    assert!((rules.min..=rules.max).contains(&decided), "{}", context());
    if !(rules.min..=rules.max).contains(&sample.replicas) {
        return;
    }
    assert!(sample.in_flight.iter().any(Option::is_some) && !sample.is_updating, "{}", context());
    let load_if = |silent: f64| sample.in_flight.iter().map(|figure| figure.unwrap_or(silent)).sum::<f64>();
    if decided > sample.replicas {
        let one_less = f64::from(decided - 1);
        assert!(load_if(0.0) > one_less * rules.target, "one less would do: {}", context());
    } else {
        let rounding = 1e-3;
        assert!(load_if(rules.target) <= f64::from(decided) * rules.target + rounding, "too few: {}", context());
    }
}

/// Follows one trace; gives how often replicas came and went.
fn follow(seed: u64) -> (u64, u64) {
    const STEPS: u32 = 8;
    let mut trace = Trace::new(seed);
    let rules = trace.rules;
    let mut history: Vec<Sample> = Vec::new();
    let mut replicas = rules.min.midpoint(rules.max);
    let (mut up, mut down): (Option<Duration>, Option<(Duration, u32)>) = (None, None);
    let mut needs: Vec<u32> = Vec::new();
    let (mut ups, mut downs) = (0, 0);
    for step in 0..STEPS {
        history.push(trace.see(step, replicas));
        let decision = decide(&history, &rules);
        let sample = &history[step as usize];
        assert_known(sample, &decision, &rules, seed);
        needs.push(decision.needed);
        let is_within = |since: Duration| sample.at < since + rules.window;
        let context = || format!("seed {seed}: {history:?}, {decision:?}");
        let is_alone = !trace.is_shared;
        if decision.replicas < replicas {
            downs += 1;
            assert!(!is_alone || !up.is_some_and(is_within), "down after up; {}", context());
            let first = history.iter().position(|old| old.at + rules.window > sample.at).unwrap();
            down = Some((sample.at, needs[first..].iter().copied().max().unwrap()));
        } else if decision.replicas > replicas {
            ups += 1;
            // More load than ever in the window before: anything else would be a way back.
            let is_return = down.is_some_and(|(since, peak)| is_within(since) && decision.needed <= peak);
            assert!(!is_alone || !is_return, "up after down; {}", context());
            up = Some(sample.at);
        }
        replicas = trace.after(decision.replicas);
    }
    (ups, downs)
}

fn sum(one: (u64, u64), other: (u64, u64)) -> (u64, u64) {
    (one.0 + other.0, one.1 + other.1)
}

#[test]
fn a_million_random_traces_never_turn_in_the_window_nor_leave_the_bounds_nor_act_on_what_is_unknown() {
    const TRACES: u64 = 1_000_000;
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let share = |first: usize| (0..TRACES).skip(first).step_by(threads).map(follow).fold((0, 0), sum);
    let (ups, downs) = thread::scope(|scope| {
        let shares: Vec<_> = (0..threads).map(|first| scope.spawn(move || share(first))).collect();
        shares.into_iter().map(|share| share.join().unwrap()).fold((0, 0), sum)
    });
    // It would prove nothing about one that does nothing.
    assert!(ups > TRACES / 2 && downs > TRACES / 20, "{ups} ups, {downs} downs");
}
