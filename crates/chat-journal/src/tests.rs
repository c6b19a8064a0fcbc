mod disk;

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::Ordering::SeqCst;

use redb::TableDefinition;
use tempfile::TempDir;
use tokio::task::JoinSet;

use self::disk::Disk;
use super::open::builder;
use super::tables::{MESSAGES, NUMBERS, Tables};
use super::*;

fn room(id: &str) -> Record {
    Record::RoomCreated(facts(id))
}

fn facts(id: &str) -> RoomFacts {
    RoomFacts {
        id: id.to_owned(),
        name: format!("room {id}"),
        description: Some("Füchse 🦊".to_owned()),
        creator_id: "alice".to_owned(),
        created_at: "2026-11-21T14:20:07.000000+00:00".to_owned(),
    }
}

fn said(room_id: &str, sequence_number: u32, content: &str) -> ChatMessage {
    ChatMessage {
        message_id: format!("{room_id}-{sequence_number}"),
        room_id: room_id.to_owned(),
        username: "bob".to_owned(),
        content: content.to_owned(),
        sequence_number,
        timestamp: "2026-11-21T14:20:08.000000+00:00".to_owned(),
    }
}

fn message(room_id: &str, number: u32) -> Record {
    Record::Message(said(room_id, number, "hello"))
}

fn member(room_id: &str, username: &str, node_id: &str, registrations: u32) -> Record {
    let member = RemoteMember { username: username.to_owned(), node_id: node_id.to_owned(), registrations };
    Record::RemoteMember { room_id: room_id.to_owned(), member }
}

/// Writes all of it, closes, and gives what another start finds.
async fn kept(records: impl IntoIterator<Item = Record>) -> Vec<SavedRoom> {
    let directory = TempDir::new().unwrap();
    let (journal, before) = Journal::open(directory.path(), Readiness::ready()).unwrap();
    assert_eq!(before, []);
    for record in records {
        journal.write(vec![record]).await.unwrap();
    }
    journal.close().await;
    let (journal, rooms) = Journal::open(directory.path(), Readiness::ready()).unwrap();
    journal.close().await;
    rooms
}

fn refusal(directory: &Path) -> String {
    let Err(error) = Journal::open(directory, Readiness::ready()) else { panic!("it is opened") };
    error.to_string()
}

#[tokio::test]
async fn another_start_finds_everything_as_it_was() {
    let rooms = kept([
        room("z"),
        room("a"),
        message("z", 1),
        message("z", 2),
        member("z", "carol", "node2", 2),
        member("z", "carol", "node3", 1),
        member("a", "dave", "node2", 1),
        member("a", "dave", "node2", 0),
        room("zz"),
    ])
    .await;
    let ids: Vec<_> = rooms.iter().map(|room| room.facts.id.as_str()).collect();
    assert_eq!(ids, ["z", "a", "zz"], "in the order of their creation");
    assert_eq!(rooms[0].facts, facts("z"));
    assert_eq!(rooms[0].last_number, 2);
    assert_eq!(rooms[0].history, [said("z", 1, "hello"), said("z", 2, "hello")]);
    let carol = |node: &str, registrations| RemoteMember {
        username: "carol".to_owned(),
        node_id: node.to_owned(),
        registrations,
    };
    assert_eq!(rooms[0].remote_members, [carol("node2", 2), carol("node3", 1)]);
    let empty = |id| SavedRoom { facts: facts(id), last_number: 0, history: vec![], remote_members: vec![] };
    assert_eq!(rooms[1..], [empty("a"), empty("zz")]);
}

#[tokio::test]
async fn only_the_history_is_kept_and_the_numbers_go_on() {
    let rooms = kept([room("r")].into_iter().chain((1..=250).map(|number| message("r", number)))).await;
    let numbers: Vec<_> = rooms[0].history.iter().map(|message| message.sequence_number).collect();
    assert_eq!(numbers, (151..=250).collect::<Vec<_>>());
    assert_eq!(rooms[0].last_number, 250);
}

#[tokio::test]
async fn a_deleted_room_leaves_nothing_and_its_neighbours_everything() {
    let all = |id: &str| [room(id), message(id, 1), member(id, "carol", "node2", 1)];
    let deleted = Record::RoomDeleted { room_id: "r".to_owned() };
    let rooms = kept(all("q").into_iter().chain(all("r")).chain(all("r2")).chain([deleted])).await;
    let ids: Vec<_> = rooms.iter().map(|room| room.facts.id.as_str()).collect();
    assert_eq!(ids, ["q", "r2"]);
    assert!(rooms.iter().all(|room| room.history.len() == 1 && room.remote_members.len() == 1), "{rooms:?}");
    let deleted = Record::RoomDeleted { room_id: "r".to_owned() };
    let rooms = kept(all("r").into_iter().chain([deleted, room("r")])).await;
    assert_eq!(rooms, [SavedRoom { facts: facts("r"), last_number: 0, history: vec![], remote_members: vec![] }]);
}

#[tokio::test]
async fn what_does_not_fit_is_refused_as_a_whole() {
    let directory = TempDir::new().unwrap();
    let (journal, _) = Journal::open(directory.path(), Readiness::ready()).unwrap();
    journal.write(vec![room("r"), message("r", 1)]).await.unwrap();
    let room_id = || "r".to_owned();
    let gap = journal.write(vec![message("r", 2), message("r", 4)]).await;
    assert_eq!(gap, Err(JournalError::NotNext { room_id: room_id(), number: 4, next: 3 }));
    assert_eq!(journal.write(vec![room("r")]).await, Err(JournalError::RoomExists { room_id: room_id() }));
    let gone = journal.write(vec![Record::RoomDeleted { room_id: room_id() }, message("r", 2)]).await;
    assert_eq!(gone, Err(JournalError::NoSuchRoom { room_id: room_id() }));
    let nowhere = || "nowhere".to_owned();
    let refused = journal.write(vec![member("nowhere", "carol", "node2", 1)]).await;
    assert_eq!(refused, Err(JournalError::NoSuchRoom { room_id: nowhere() }));
    journal.write(vec![member("nowhere", "carol", "node2", 0)]).await.unwrap();
    journal.write(vec![Record::RoomDeleted { room_id: nowhere() }]).await.unwrap();
    journal.close().await;
    let (_, rooms) = Journal::open(directory.path(), Readiness::ready()).unwrap();
    assert_eq!((rooms.len(), rooms[0].last_number), (1, 1));
}

#[tokio::test]
async fn a_number_that_is_given_again_replaces_what_had_it() {
    let again = Record::Message(said("r", 2, "again"));
    let rooms = kept([room("r"), message("r", 1), message("r", 2), message("r", 3), again]).await;
    assert_eq!(rooms[0].history, [said("r", 1, "hello"), said("r", 2, "again")]);
    assert_eq!(rooms[0].last_number, 2);
}

#[tokio::test]
async fn a_closed_journal_wrote_what_came_before_and_takes_no_more() {
    let directory = TempDir::new().unwrap();
    let (journal, _) = Journal::open(directory.path(), Readiness::ready()).unwrap();
    let before = tokio::spawn({
        let journal = journal.clone();
        async move { journal.write(vec![room("r")]).await }
    });
    // The write is handed in before the end.
    tokio::task::yield_now().await;
    journal.close().await;
    assert_eq!(before.await.unwrap(), Ok(()));
    assert_eq!(journal.write(vec![room("s")]).await, Err(JournalError::Closed));
    journal.close().await;
    assert_eq!(Journal::open(directory.path(), Readiness::ready()).unwrap().1.len(), 1);
}

#[test]
fn a_directory_in_use_is_refused() {
    let directory = TempDir::new().unwrap();
    let journal = Journal::open(directory.path(), Readiness::ready()).unwrap();
    assert!(refusal(directory.path()).contains("is in use by another process"));
    drop(journal);
}

#[test]
fn a_directory_that_is_not_there_is_made_and_one_that_cannot_be_is_explained() {
    let directory = TempDir::new().unwrap();
    Journal::open(&directory.path().join("deep/down"), Readiness::ready()).unwrap();
    let file = directory.path().join("file");
    fs::write(&file, "").unwrap();
    assert!(refusal(&file).ends_with("file is not a directory"), "{}", refusal(&file));
    assert!(refusal(&file.join("below")).ends_with("below is not a directory"), "{}", refusal(&file.join("below")));
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "not even root may write to /proc/self, which only Linux has")]
fn a_directory_where_nobody_may_write_is_explained() {
    let message = refusal(Path::new("/proc/self"));
    assert!(message.starts_with("DATA_DIR: "), "{message}");
    assert!(message.contains("/proc/self"), "{message}");
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "looks at /proc, which only Linux has")]
fn a_directory_of_another_user_is_explained() {
    let error = io_error(std::io::ErrorKind::PermissionDenied);
    assert!(error.contains(" may not write to /proc, which belongs to user 0 with mode 555: give it"), "{error}");
    let error = io_error(std::io::ErrorKind::ReadOnlyFilesystem);
    assert!(error.starts_with("DATA_DIR: /proc is read-only: mount a volume"), "{error}");
    let error = io_error(std::io::ErrorKind::StorageFull);
    assert!(error.starts_with("DATA_DIR: no space is left for the journal in /proc"), "{error}");
}

fn io_error(kind: std::io::ErrorKind) -> String {
    super::open::explain_io(Path::new("/proc"), &kind.into()).to_string()
}

#[tokio::test]
async fn a_damaged_file_is_explained_and_left_as_it_is() {
    let directory = TempDir::new().unwrap();
    let (journal, _) = Journal::open(directory.path(), Readiness::ready()).unwrap();
    let messages = (1..=100).map(|number| Record::Message(said("r", number, &"x".repeat(5000))));
    journal.write([room("r")].into_iter().chain(messages).collect()).await.unwrap();
    journal.close().await;
    let path = directory.path().join("chat.redb");
    let sound = fs::read(&path).unwrap();
    let middle = sound.windows(100).position(|bytes| bytes == [b'x'; 100]).unwrap();
    let mut changed = sound.clone();
    changed[middle] = b'y';
    let garbage = b"these are not the rooms that you are looking for".repeat(1000);
    for damage in [changed, garbage, sound[..sound.len() / 2].to_vec(), sound[..100].to_vec(), vec![0; sound.len()]] {
        fs::write(&path, &damage).unwrap();
        let message = refusal(directory.path());
        assert!(message.starts_with("DATA_DIR: "), "{message}");
        assert!(message.contains("chat.redb is damaged, or not the journal of a chat-node: "), "{message}");
        assert!(fs::read(&path).unwrap() == damage, "it was changed: {message}");
    }
    fs::write(&path, &sound).unwrap();
    assert_eq!(Journal::open(directory.path(), Readiness::ready()).unwrap().1[0].history.len(), 100);
}

#[test]
fn a_file_of_a_newer_version_or_another_program_is_refused() {
    let write = |table: &'static str, value: u64| {
        let directory = TempDir::new().unwrap();
        let database = builder().create(directory.path().join("chat.redb")).unwrap();
        let transaction = database.begin_write().unwrap();
        let definition: TableDefinition<'_, &str, u64> = TableDefinition::new(table);
        transaction.open_table(definition).unwrap().insert("format", value).unwrap();
        transaction.commit().unwrap();
        drop(database);
        refusal(directory.path())
    };
    let message = write("about", 2);
    assert!(message.contains("it has format 2, and this version of chat-node knows no newer one than 1"), "{message}");
    assert!(write("about", 0).contains("is not the journal of a chat-node"));
    assert!(write("coins", 1).contains("is not the journal of a chat-node"));
}

#[test]
fn a_stop_while_the_file_is_made_does_no_harm() {
    let directory = TempDir::new().unwrap();
    fs::write(directory.path().join("chat.redb.new"), vec![0; 5000]).unwrap();
    assert_eq!(Journal::open(directory.path(), Readiness::ready()).unwrap().1, []);
}

#[tokio::test]
async fn a_full_disk_refuses_and_keeps_nothing_until_there_is_room_again() {
    let directory = TempDir::new().unwrap();
    let disk = Disk::default();
    let (journal, _) = disk.journal(directory.path());
    journal.write(vec![room("r"), message("r", 1)]).await.unwrap();
    disk.full.store(true, SeqCst);
    for _ in 0..3 {
        let refused = journal.write(vec![Record::Message(said("r", 2, "lost")), room("s")]).await;
        assert!(matches!(refused, Err(JournalError::NotWritten(_))), "{refused:?}");
    }
    disk.full.store(false, SeqCst);
    let start = std::time::Instant::now();
    while journal.write(vec![Record::Message(said("r", 2, "kept"))]).await.is_err() {
        assert!(start.elapsed() < testing::LIMIT, "it does not work again");
        tokio::task::yield_now().await;
    }
    journal.write(vec![message("r", 3)]).await.unwrap();
    journal.close().await;
    let (_, rooms) = Journal::open(directory.path(), Readiness::ready()).unwrap();
    assert_eq!(rooms.len(), 1);
    assert_eq!(rooms[0].history, [said("r", 1, "hello"), said("r", 2, "kept"), said("r", 3, "hello")]);
}

#[tokio::test]
async fn while_the_disk_is_full_nothing_is_ready_and_everybody_hears_why_until_there_is_room_without_a_write() {
    let directory = TempDir::new().unwrap();
    let (disk, readiness) = (Disk::default(), Readiness::ready());
    let (journal, _) = disk.journal_that_tells(directory.path(), readiness.clone());
    journal.write(vec![room("r")]).await.unwrap();
    assert_eq!(readiness.check(), Ok(()));
    disk.full.store(true, SeqCst);
    for _ in 0..3 {
        let refused = journal.write(vec![message("r", 1)]).await.unwrap_err();
        assert_eq!(refused.to_string(), "the disk is full");
    }
    let reason = readiness.check().unwrap_err();
    assert!(reason.ends_with("cannot be written: the disk is full"), "{reason}");
    disk.full.store(false, SeqCst);
    let start = std::time::Instant::now();
    while readiness.check().is_err() {
        assert!(start.elapsed() < testing::LIMIT, "it is not ready again");
        journal.probe().await;
        tokio::task::yield_now().await;
    }
    journal.write(vec![message("r", 1)]).await.unwrap();
}

#[tokio::test]
async fn when_the_last_step_fails_the_file_decides_what_was_written() {
    let directory = TempDir::new().unwrap();
    let disk = Disk::default();
    let (journal, _) = disk.journal(directory.path());
    journal.write(vec![room("r"), message("r", 1)]).await.unwrap();
    disk.fails_to_sync.store(true, SeqCst);
    let outcome = journal.write(vec![message("r", 2)]).await;
    journal.close().await;
    let (journal, rooms) = Journal::open(directory.path(), Readiness::ready()).unwrap();
    let last = rooms[0].last_number;
    assert_eq!(last, 1 + u32::from(outcome.is_ok()), "{outcome:?}");
    journal.write(vec![message("r", last + 1)]).await.unwrap();
}

#[tokio::test]
async fn many_writers_wait_for_the_disk_together() {
    const WRITERS: u32 = 500;
    let directory = TempDir::new().unwrap();
    let disk = Disk::default();
    let (journal, _) = disk.journal(directory.path());
    let before = disk.syncs.load(SeqCst);
    let writers: Vec<_> = (0..WRITERS)
        .map(|number| {
            let journal = journal.clone();
            tokio::spawn(async move { journal.write(vec![room(&number.to_string())]).await })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap().unwrap();
    }
    let syncs = disk.syncs.load(SeqCst) - before;
    assert!(syncs <= 20, "{syncs} waits for {WRITERS} writers");
    journal.close().await;
    assert_eq!(Journal::open(directory.path(), Readiness::ready()).unwrap().1.len(), 500);
}

/// What a copy is written to, as whoever asks for one does.
async fn copy_of(journal: &Journal) -> (TempDir, std::path::PathBuf) {
    let place = TempDir::new().unwrap();
    let (mut copy, path) = (journal.copy().await.unwrap(), place.path().join("a.redb"));
    std::io::copy(&mut copy, &mut fs::File::create(&path).unwrap()).unwrap();
    (place, path)
}

#[tokio::test]
async fn a_copy_has_all_that_was_written_before_and_begins_another_journal() {
    let directory = TempDir::new().unwrap();
    let (journal, _) = Journal::open(directory.path(), Readiness::ready()).unwrap();
    let (_place, empty) = copy_of(&journal).await;
    assert_eq!(rooms_of(&empty).unwrap(), []);
    let records = (1..=150).map(|number| message("r", number));
    journal.write([room("r")].into_iter().chain(records).collect()).await.unwrap();
    journal.write(vec![room("s"), member("s", "carol", "node2", 2)]).await.unwrap();
    // It does not wait for these.
    let mut writes = JoinSet::new();
    for number in 0..50 {
        let journal = journal.clone();
        writes.spawn(async move { journal.write(vec![room(&number.to_string())]).await.unwrap() });
    }
    let (_place, path) = copy_of(&journal).await;
    writes.join_all().await;
    let rooms = rooms_of(&path).unwrap();
    assert!((2..=52).contains(&rooms.len()), "{}", rooms.len());
    assert_eq!((rooms[0].last_number, rooms[0].history.len()), (150, 100));
    assert_eq!(rooms[1].remote_members.len(), 1);
    let names: Vec<_> = fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["chat.redb"], "a copy has left something");

    // Another node begins with it, and keeps what it had.
    let other = TempDir::new().unwrap();
    let (journal, _) = Journal::open(other.path(), Readiness::ready()).unwrap();
    journal.write(vec![room("other")]).await.unwrap();
    journal.close().await;
    fs::write(other.path().join("chat.redb.copy-7"), "broken off").unwrap();
    fs::rename(path, other.path().join("restore.redb")).unwrap();
    let (journal, restored) = Journal::open(other.path(), Readiness::ready()).unwrap();
    assert_eq!(restored, rooms);
    journal.write(vec![message("r", 151)]).await.unwrap();
    journal.close().await;
    let mut names: Vec<_> = fs::read_dir(other.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort_unstable();
    assert_eq!(names, ["chat.redb", "chat.redb.replaced"]);
    assert_eq!(rooms_of(&other.path().join("chat.redb.replaced")).unwrap()[0].facts.id, "other");
}

#[tokio::test]
async fn what_is_no_copy_is_refused_with_the_reason() {
    let directory = TempDir::new().unwrap();
    let (journal, _) = Journal::open(directory.path(), Readiness::ready()).unwrap();
    let messages = (1..=100).map(|number| Record::Message(said("r", number, &"x".repeat(5000))));
    journal.write([room("r")].into_iter().chain(messages).collect()).await.unwrap();
    let (_place, path) = copy_of(&journal).await;
    let sound = fs::read(&path).unwrap();
    let middle = sound.windows(100).position(|bytes| bytes == [b'x'; 100]).unwrap();
    let mut flipped = sound.clone();
    flipped[middle] ^= 1;
    for (what, damaged) in [
        ("flipped", flipped),
        ("truncated", sound[..sound.len() / 2].to_vec()),
        ("foreign", b"these are not the rooms that you are looking for".repeat(1000)),
        ("empty", Vec::new()),
    ] {
        fs::write(&path, &damaged).unwrap();
        let error = format!("{:#}", rooms_of(&path).unwrap_err());
        assert!(error.contains("it is damaged, or no journal"), "{what}: {error}");
    }
    let other = builder().create(path.with_extension("other")).unwrap();
    let transaction = other.begin_write().unwrap();
    let coins: TableDefinition<'_, &str, u64> = TableDefinition::new("coins");
    transaction.open_table(coins).unwrap().insert("blocks", 1).unwrap();
    transaction.commit().unwrap();
    drop(other);
    let error = rooms_of(&path.with_extension("other")).unwrap_err().to_string();
    assert!(error.contains("database of another program"), "{error}");
}

#[test]
fn numbers_with_a_gap_are_refused() {
    for (numbers, last, is_whole) in [
        (&[][..], 0, true),
        (&[1, 2, 3], 3, true),
        (&[2, 3], 3, true),
        (&[1, 3], 3, false),
        (&[1, 2], 3, false),
        (&[], 3, false),
        (&[1], 0, false),
    ] {
        let place = TempDir::new().unwrap();
        let path = place.path().join("a.redb");
        let database = builder().create(&path).unwrap();
        let transaction = database.begin_write().unwrap();
        {
            let mut tables = Tables::open(&transaction).unwrap();
            tables.about.insert("format", 1).unwrap();
            tables.about.insert("commits", 1).unwrap();
            tables.put(&room("r")).unwrap();
        }
        {
            let mut messages = transaction.open_table(MESSAGES).unwrap();
            for number in numbers {
                let json = serde_json::to_vec(&said("r", *number, "hello")).unwrap();
                messages.insert(("r", *number), json.as_slice()).unwrap();
            }
            transaction.open_table(NUMBERS).unwrap().insert("r", last).unwrap();
        }
        transaction.commit().unwrap();
        database.close().unwrap();
        let result = rooms_of(&path);
        assert_eq!(result.is_ok(), is_whole, "{numbers:?}, {last}: {result:?}");
    }
}

const CHILD_DIRECTORY: &str = "JOURNAL_TEST_DIRECTORY";

/// The process that the next test kills: it writes to the journal, and says what is confirmed.
#[tokio::test]
async fn writes_until_it_is_killed() {
    let Some(directory) = std::env::var_os(CHILD_DIRECTORY) else { return };
    let (journal, rooms) = Journal::open(Path::new(&directory), Readiness::ready()).unwrap();
    let mut number = rooms.first().map_or(0, |room| room.last_number);
    if rooms.is_empty() {
        journal.write(vec![room("r")]).await.unwrap();
    }
    loop {
        number += 1;
        journal.write(vec![message("r", number)]).await.unwrap();
        writeln!(std::io::stdout(), "confirmed {number}").unwrap();
    }
}

#[tokio::test]
async fn what_was_confirmed_survives_sigkill() {
    let directory = TempDir::new().unwrap();
    let number = |line: &str| line["confirmed ".len()..].parse::<u32>().unwrap();
    for _ in 0..5 {
        let mut confirmed = 0;
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "--nocapture", "tests::writes_until_it_is_killed"]).stdin(Stdio::null());
        command.env(CHILD_DIRECTORY, directory.path());
        let mut child = testing::start_command(command);
        for _ in 0..30 {
            confirmed = number(&child.line_that_starts("confirmed "));
        }
        child.signal(testing::Signal::KILL);
        // What was in the pipe when it was killed was confirmed as well.
        let (code, rest, _) = child.output();
        assert_eq!(code, None);
        confirmed = rest.lines().next_back().map_or(confirmed, number);
        let (journal, rooms) = Journal::open(directory.path(), Readiness::ready()).unwrap();
        let last = rooms[0].last_number;
        assert!(last == confirmed || last == confirmed + 1, "{confirmed} confirmed, {last} kept");
        let numbers: Vec<_> = rooms[0].history.iter().map(|message| message.sequence_number).collect();
        assert_eq!(numbers, (last.saturating_sub(99).max(1)..=last).collect::<Vec<_>>());
        journal.close().await;
    }
}
