//! TG09xx: defects of the compiler.

super::declare_codes! {
    INTERNAL, "TG0901", Error, "internal error",
    "The compiler produced an image that it cannot read. This is a defect of Tollgate, not of the policy; \
     please report it with the policy, if you can.";
}
