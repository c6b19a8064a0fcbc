use proptest::prelude::*;

use super::*;

fn difficulty(bits: u8) -> Difficulty {
    bits.try_into().unwrap()
}

/// What a scan has to find: each nonce's coin is checked by itself.
fn coins(miner: &MinerId, scan: u64, difficulty: Difficulty) -> Vec<u64> {
    let first = scan * SCAN_NONCES;
    let is_coin = |nonce: &u64| Coin { miner: miner.clone(), nonce: *nonce }.is_worth(difficulty);
    (first..=first + (SCAN_NONCES - 1)).filter(is_coin).collect()
}

fn found(search: &Search, scan: u64, difficulty: Difficulty) -> Vec<u64> {
    let mut found = Vec::new();
    search.scan(scan, difficulty, &mut found);
    found
}

fn miner() -> MinerId {
    "a-miner-of-27-characters-00".parse().unwrap()
}

#[test]
fn every_way_computes_the_first_word_of_every_hash_of_a_scan() {
    let miner = MinerId::new("test");
    let scan = rand::random::<u64>() >> 16;
    let block = Block::new(&Coin { miner: miner.clone(), nonce: scan * SCAN_NONCES }.message());
    let ways: Vec<_> = way::all().collect();
    for (high, pair) in (0..).zip(PAIRS) {
        let rows = ways.iter().map(|way| {
            let mut row = [0; PAIRS.len()];
            (way.row)(&block, pair << 16, &mut row);
            (way.name, row)
        });
        let nonces = (0..256).map(|low| scan * SCAN_NONCES + high * 256 + low);
        let hashes = nonces.map(|nonce| Coin { miner: miner.clone(), nonce }.hash().to_string());
        let words: Vec<_> = hashes.map(|hash| u32::from_str_radix(&hash[..8], 16).unwrap()).collect();
        for (name, row) in rows {
            assert_eq!(row[..], words, "{name}: {miner}, scan {scan}, digits {high:02x}");
        }
    }
}

proptest! {
    // A case computes hundreds of thousands of hashes.
    #![proptest_config(ProptestConfig::with_cases(4))]

    #[test]
    fn every_way_finds_all_coins_of_a_scan_and_nothing_else(
        miner in "[a-z0-9-]{27}",
        scan in 0_u64..1 << 48,
        bits in 1_u8..=18,
    ) {
        let miner: MinerId = miner.parse().unwrap();
        let coins = coins(&miner, scan, difficulty(bits));
        for search in Search::all(&miner) {
            prop_assert_eq!(&found(&search, scan, difficulty(bits)), &coins, "{}", search.way());
        }
    }
}

#[test]
fn coins_at_the_ends_of_a_scan_and_of_its_rows_are_found() {
    let bits = difficulty(10);
    for place in [0, 255, 256, SCAN_NONCES - 1] {
        let is_coin = |scan: &u64| Coin { miner: miner(), nonce: scan * SCAN_NONCES + place }.is_worth(bits);
        let scan = (0..1 << 20).find(is_coin).unwrap();
        for search in Search::all(&miner()) {
            let found = found(&search, scan, bits);
            assert!(found.contains(&(scan * SCAN_NONCES + place)), "{}: {place} of scan {scan}", search.way());
        }
    }
}

#[test]
fn more_than_the_first_word_counts_when_more_is_asked_for() {
    // Found with the search: the hash begins with 34 zero bits.
    let nonce = 0x3a5e_0469;
    for search in Search::all(&miner()) {
        for bits in [32, 33, 34] {
            assert_eq!(found(&search, nonce / SCAN_NONCES, difficulty(bits)), [nonce], "{}, {bits}", search.way());
        }
        assert_eq!(found(&search, nonce / SCAN_NONCES, difficulty(35)), [0; 0], "{}", search.way());
    }
}

#[test]
fn the_first_and_the_last_scan_are_like_the_others() {
    for scan in [0, u64::MAX / SCAN_NONCES] {
        let coins = coins(&miner(), scan, difficulty(8));
        for search in Search::all(&miner()) {
            assert_eq!(found(&search, scan, difficulty(8)), coins, "{}", search.way());
        }
    }
}

#[test]
fn coins_are_appended_to_those_of_earlier_scans() {
    for search in Search::all(&miner()) {
        let mut both = Vec::new();
        search.scan(7, difficulty(12), &mut both);
        search.scan(8, difficulty(12), &mut both);
        let each = [found(&search, 7, difficulty(12)), found(&search, 8, difficulty(12))];
        assert!(each.iter().all(|found| !found.is_empty()), "{}", search.way());
        assert_eq!(both, each.concat(), "{}", search.way());
    }
}

#[test]
fn a_new_search_takes_the_first_of_the_ways() {
    let ways: Vec<_> = Search::all(&miner()).iter().map(Search::way).collect();
    assert_eq!(Search::new(miner()).way(), ways[0]);
    assert_eq!(ways.last(), Some(&way::all().last().unwrap().name));
}
