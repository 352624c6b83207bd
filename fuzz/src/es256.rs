//! ES256 signatures with any digest: the three ways to verify give the same result, the arithmetic
//! stays within the bounds stated in its comments, which overflow checks verify, and signatures that
//! are constructed for chosen scalars are valid.

use p256::elliptic_curve::bigint::U256;
use p256::elliptic_curve::ops::Reduce;
use p256::elliptic_curve::point::AffineCoordinates;
use p256::elliptic_curve::sec1::ToEncodedPoint;
use p256::{ProjectivePoint, Scalar};
use tollgate_es256::{PreparedKey, Table};

/// Uses a byte for the choice, and the rest as a private key and two numbers: u₁ and u₂, for which a
/// signature is constructed, or r and s. Then come 32 bytes for a digest.
pub fn check(data: &[u8]) {
    let Some((choice, rest)) = data.split_first() else {
        return;
    };
    let mut bytes = rest.iter().copied().chain(core::iter::repeat(0));
    let mut number = || core::array::from_fn(|_| bytes.next().unwrap_or(0));
    let (secret, first, second, digest) = (number(), number(), number(), number());
    // The coordinates themselves, which are hardly ever those of a point.
    if *choice % 8 == 7 {
        let results = TABLES.map(|table| PreparedKey::new(&first, &second, table).is_ok());
        assert!(results == [results[0]; 3]);
        return;
    }
    let secret = match choice % 8 {
        // Keys that are small multiples of G have many exceptional sums.
        0 | 1 => Scalar::from(u64::from(secret[0])),
        _ => scalar(secret),
    };
    let key = ProjectivePoint::GENERATOR * secret;
    if key == ProjectivePoint::IDENTITY {
        return;
    }
    let encoded = key.to_affine().to_encoded_point(false);
    let (Some(x), Some(y)) = (encoded.x(), encoded.y()) else {
        return;
    };
    let keys = TABLES.map(|table| PreparedKey::new(&(*x).into(), &(*y).into(), table));
    let verify = |digest: &[u8; 32], signature: &[u8]| {
        let verified = keys.each_ref().map(|key| {
            let key = key.as_ref().expect("the point is on the curve");
            key.verify(digest, signature).is_ok()
        });
        assert!(verified == [verified[0]; 3], "{verified:?}");
        verified[0]
    };

    let raw: [u8; 64] = [first, second].concat().try_into().expect("64 bytes");
    verify(&digest, &raw);
    verify(&digest, &raw[..usize::from(choice / 4)]);

    let (u1, u2) = match choice / 8 % 4 {
        // u1·G = ±u2·Q.
        0 => (secret * scalar(second), scalar(second)),
        1 => (-secret * scalar(second), scalar(second)),
        _ => (scalar(first), scalar(second)),
    };
    let sum = ProjectivePoint::GENERATOR * u1 + key * u2;
    let r = <Scalar as Reduce<U256>>::reduce_bytes(&sum.to_affine().x());
    let Some(inverse) = Option::<Scalar>::from(u2.invert()) else {
        return;
    };
    let s = r * inverse;
    let digest = (u1 * s).to_bytes().into();
    let mut signature: [u8; 64] = [r.to_bytes(), s.to_bytes()]
        .concat()
        .try_into()
        .expect("64 bytes");
    let is_valid = sum != ProjectivePoint::IDENTITY && r != Scalar::ZERO;
    assert_eq!(verify(&digest, &signature), is_valid);
    signature[usize::from(choice / 4)] ^= 1;
    verify(&digest, &signature);
}

const TABLES: [Table; 3] = [Table::Large, Table::Small, Table::None];

fn scalar(bytes: [u8; 32]) -> Scalar {
    <Scalar as Reduce<U256>>::reduce_bytes(&bytes.into())
}
