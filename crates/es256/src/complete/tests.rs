//! Exceptional sums: each way to compute u₁·G + u₂·Q gives the point of `p256`, or reports that it
//! cannot, and then the complete way gives it.

use alloc::vec::Vec;

use fastrand::Rng;
use p256::elliptic_curve::Field;
use p256::elliptic_curve::bigint::{ArrayEncoding, U256};
use p256::elliptic_curve::ops::Reduce;
use p256::elliptic_curve::point::AffineCoordinates;
use p256::elliptic_curve::sec1::ToEncodedPoint;
use p256::{AffinePoint, ProjectivePoint, Scalar};

use super::sum;
use crate::comb::{KeyComb, Shape};
use crate::point::{Affine, Point};
use crate::scalar::{N, Scalars};
use crate::{PreparedKey, Table, verify, window};

fn random(rng: &mut Rng) -> Scalar {
    let bytes: [u8; 32] = core::array::from_fn(|_| rng.u8(..));
    <Scalar as Reduce<U256>>::reduce_bytes(&bytes.into())
}

fn array(bytes: &[u8]) -> [u8; 32] {
    bytes.try_into().unwrap()
}

/// A key in all forms of this crate.
struct Key {
    of_p256: ProjectivePoint,
    point: Affine,
    combs: [KeyComb; 2],
    prepared: [PreparedKey; 3],
}

impl Key {
    fn new(of_p256: ProjectivePoint) -> Self {
        let encoded = of_p256.to_affine().to_encoded_point(false);
        let (x, y) = (array(encoded.x().unwrap()), array(encoded.y().unwrap()));
        let point = Affine::parse(&x, &y).unwrap();
        let combs =
            [&Shape::LARGE, &Shape::SMALL].map(|shape| KeyComb::new(&point, shape).unwrap());
        let prepared = [Table::Large, Table::Small, Table::None]
            .map(|table| PreparedKey::new(&x, &y, table).unwrap());
        Self {
            of_p256,
            point,
            combs,
            prepared,
        }
    }
}

/// The numbers of sums that were exceptional, by kind: two combs, and the windows.
type Exceptions = [usize; 3];

/// Verifies a signature for which u₁ and u₂ are these: R = u₁·G + u₂·Q, s = r/u₂, digest = u₁·s.
fn check(key: &Key, u1: Scalar, u2: Scalar, exceptions: &mut Exceptions) {
    let expected = ProjectivePoint::GENERATOR * u1 + key.of_p256 * u2;
    let is_infinity = expected == ProjectivePoint::IDENTITY;
    let x = expected.to_affine().x();
    let valid_r = <Scalar as Reduce<U256>>::reduce_bytes(&x);
    for r in [valid_r, valid_r + Scalar::ONE, Scalar::ONE] {
        if bool::from(r.is_zero() | u2.is_zero()) {
            continue;
        }
        let is_valid = r == valid_r && !is_infinity;
        let s = r * u2.invert().unwrap();
        let digest = array(&(u1 * s).to_bytes());
        let mut signature = [0; 64];
        signature[..32].copy_from_slice(&r.to_bytes());
        signature[32..].copy_from_slice(&s.to_bytes());
        let scalars = Scalars::new(&digest, &signature).unwrap();
        let complete = sum(&scalars, &key.point);
        assert_eq!(complete.is_infinity(), is_infinity);
        assert_eq!(complete.has_x(&scalars.r, &N), is_valid);
        let combs = key
            .combs
            .each_ref()
            .map(|comb| verify::sum(&scalars, comb.comb()));
        let [large, small] = combs;
        let sums: [Option<Point>; 3] = [large, small, window::sum(&scalars, &key.point)];
        for (sum, exceptions) in sums.iter().zip(&mut *exceptions) {
            match sum {
                Some(sum) => assert_eq!(sum.has_x(&scalars.r, &N), is_valid, "{u1:?} {u2:?}"),
                None => *exceptions += 1,
            }
        }
        for prepared in &key.prepared {
            let verified = prepared.verify(&digest, &signature).is_ok();
            assert_eq!(verified, is_valid, "{u1:?} {u2:?}");
        }
    }
}

#[test]
fn related_points() {
    let mut rng = Rng::with_seed(6);
    let mut exceptions = [0; 3];
    let small: Vec<Scalar> = (0..4_u64)
        .map(Scalar::from)
        .flat_map(|scalar| [scalar, -scalar])
        .collect();
    // Keys that are small multiples of ±G, with small scalars and with related large ones.
    for d in &small[2..] {
        let key = Key::new(ProjectivePoint::GENERATOR * d);
        for u1 in &small {
            for u2 in &small {
                check(&key, *u1, *u2, &mut exceptions);
            }
        }
        for _ in 0..4 {
            let u = random(&mut rng);
            for (u1, u2) in [
                (u * d, u),
                (-u * d, u),
                (u, u),
                (u, -u),
                (u.double(), u),
                (u * d.double(), u),
                (u, u.double()),
            ] {
                check(&key, u1, u2, &mut exceptions);
            }
        }
    }
    std::println!("{exceptions:?} exceptional");
    assert!(exceptions.iter().all(|count| *count > 50), "{exceptions:?}");
}

/// u₁·G = ±u₂·Q, u₁ = 0 and u₂ = ±1 for random keys, and keys 2ⁱ·G, whose tables contain the
/// generator's points.
#[test]
fn random_keys() {
    let mut rng = Rng::with_seed(7);
    let mut exceptions = [0; 3];
    for case in 0..40_u64 {
        let d = random(&mut rng);
        let key = Key::new(ProjectivePoint::GENERATOR * d);
        let u = random(&mut rng);
        for (u1, u2) in [
            (u * d, u),
            (-u * d, u),
            (Scalar::ZERO, u),
            (Scalar::ZERO, Scalar::ONE),
            (u, Scalar::ONE),
            (u, -Scalar::ONE),
        ] {
            check(&key, u1, u2, &mut exceptions);
        }
        let power = Scalar::from(2_u64).pow_vartime(&[case * 6 + rng.u64(..6), 0, 0, 0]);
        for power in [power, -power] {
            let key = Key::new(ProjectivePoint::GENERATOR * power);
            check(&key, u, u, &mut exceptions);
            check(&key, random(&mut rng), u, &mut exceptions);
        }
    }
    std::println!("{exceptions:?} exceptional");
    assert!(exceptions.iter().all(|count| *count > 20), "{exceptions:?}");
}

/// Points whose x is at least n: r is x - n.
#[test]
fn x_above_the_order() {
    let order =
        U256::from_be_hex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551");
    let mut exceptions = [0; 3];
    let mut found = 0;
    for i in 1..120_u64 {
        use p256::elliptic_curve::point::DecompressPoint;
        use p256::elliptic_curve::subtle::Choice;

        let x = order.wrapping_add(&U256::from_u64(i)).to_be_byte_array();
        let point = Option::<AffinePoint>::from(AffinePoint::decompress(&x, Choice::from(1)));
        let Some(point) = point else {
            continue;
        };
        let (u1, u2) = (
            Scalar::from(77 * i + 3),
            Scalar::from(u64::MAX - i).square(),
        );
        let key = ProjectivePoint::from(point) - ProjectivePoint::GENERATOR * u1;
        let key = Key::new(key * u2.invert().unwrap());
        // `check` computes r = x modulo n, which is i here.
        let sum = (ProjectivePoint::GENERATOR * u1 + key.of_p256 * u2).to_affine();
        assert_eq!(sum.x(), x);
        check(&key, u1, u2, &mut exceptions);
        found += 1;
    }
    assert!(found > 30, "{found}");
    assert_eq!(exceptions, [0; 3]);
}
