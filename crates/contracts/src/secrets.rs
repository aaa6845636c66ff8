//! Cases of [`SecretStore`](rally_domain::port::SecretStore).

use futures_util::future::join_all;

use crate::Fixture;

/// The first secret stays in every process, however often another one is offered.
pub async fn the_first_secret_stays(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    assert_eq!(ports.secrets.keep_secret(vec![1, 0, 255]).await.unwrap(), [1, 0, 255]);
    assert_eq!(ports.secrets.keep_secret(vec![2]).await.unwrap(), [1, 0, 255]);
    assert_eq!(there.secrets.keep_secret(vec![3]).await.unwrap(), [1, 0, 255]);
}

/// Processes that start together, and each offer their own secret, get the same one.
pub async fn processes_that_start_together_have_one_secret(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let offers = (0..8_u8).map(|n| if n % 2 == 0 { ports.secrets.keep_secret(vec![n]) } else { there.secrets.keep_secret(vec![n]) });
    let kept: Vec<Vec<u8>> = join_all(offers).await.into_iter().map(Result::unwrap).collect();
    assert!(kept.iter().all(|secret| *secret == kept[0]), "{kept:?}");
}

/// Of two processes that encrypt the secret anew at once, one finds it already done.
pub async fn a_secret_is_encrypted_anew_once(fixture: &impl Fixture) {
    let ports = fixture.ports();
    assert!(!ports.secrets.reseal_secret(vec![1], vec![2]).await.unwrap());
    ports.secrets.keep_secret(vec![1]).await.unwrap();
    assert!(ports.secrets.reseal_secret(vec![1], vec![2]).await.unwrap());
    assert!(!ports.secrets.reseal_secret(vec![1], vec![3]).await.unwrap());
    assert_eq!(ports.secrets.keep_secret(vec![4]).await.unwrap(), [2]);
}
