//! Many writers on one sheet, on each database: no update is lost, and the ledger adds up.

use serde_json::json;
use service_kit::testing::TestDatabase;
use tonic::metadata::MetadataMap;

use crate::common::Table;

const WRITERS: u64 = 100;

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_writers_on_one_sheet_lose_nothing() {
    for database in TestDatabase::each().await {
        let table = Table::on(database).await;
        let before = table.call("export_character", json!({"character_name": "Axel"})).await;
        // Half of them in a second process, which only the revision keeps apart.
        let beside = table.beside().await;
        let writers: Vec<_> = (0..WRITERS)
            .map(|n| {
                let tools = if n % 2 == 0 { table.tools.clone() } else { beside.clone() };
                let call = match n % 4 {
                    0 | 1 => ("add_nuyen", json!({"character_name": "Axel", "amount": n + 1})),
                    2 => ("add_karma", json!({"character_name": "axel", "amount": 10})),
                    _ => ("spend_nuyen", json!({"character_name": "Riley O'Connor", "amount": 3})),
                };
                tokio::spawn(async move { tools.call(call.0, call.1, MetadataMap::new()).await.unwrap() })
            })
            .collect();
        for writer in writers {
            writer.await.unwrap();
        }

        let after = table.call("export_character", json!({"character_name": "Axel"})).await;
        let added: u64 = (0..WRITERS).filter(|n| n % 4 < 2).map(|n| n + 1).sum();
        let expected = before["sheet"]["nuyen"].as_u64().unwrap() + added - 3 * WRITERS / 4;
        assert_eq!(after["sheet"]["nuyen"], expected);
        let karma = before["sheet"]["karma_total"].as_u64().unwrap() + 10 * WRITERS / 4;
        assert_eq!(after["sheet"]["karma_total"], karma);
        assert_eq!(after["revision"], before["revision"].as_u64().unwrap() + WRITERS);
        for account in ["nuyen", "karma_total", "karma_available", "karma_pool"] {
            let ledger = json!({"character_name": "Axel", "account": account, "limit": 1000});
            let ledger = table.call("get_ledger", ledger).await;
            let entries = ledger["entries"].as_array().unwrap();
            let sum: i64 = entries.iter().map(|entry| entry["amount"].as_i64().unwrap()).sum();
            assert_eq!(
                (&ledger["balance"], sum),
                (&after["sheet"][account], after["sheet"][account].as_i64().unwrap())
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn money_is_spent_once_however_many_want_it() {
    let table = Table::start().await;
    table.call("create_character", json!({"street_name": "Poor", "archetype": "Squatter"})).await;
    table.call("add_nuyen", json!({"character_name": "Poor", "amount": 10})).await;
    let spenders: Vec<_> = (0..20)
        .map(|_| {
            let tools = table.tools.clone();
            let spend = json!({"character_name": "Poor", "amount": 1});
            tokio::spawn(async move { tools.call("spend_nuyen", spend, MetadataMap::new()).await.is_ok() })
        })
        .collect();
    let mut paid = 0;
    for spender in spenders {
        paid += u32::from(spender.await.unwrap());
    }
    assert_eq!(paid, 10);
    assert_eq!(table.sheet("Poor").await["nuyen"], 0);
}

#[tokio::test]
async fn a_change_under_one_key_is_made_once() {
    let table = Table::start().await;
    let arguments = json!({"character_name": "Oak", "amount": 7});
    let first = table.keyed("add_nuyen", arguments.clone(), "turn/1").await.unwrap();
    let again = table.keyed("add_nuyen", arguments, "turn/1").await.unwrap();
    assert_eq!(first, again);
    assert_eq!(table.sheet("Oak").await["nuyen"], 572_495);
}
