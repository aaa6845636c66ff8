DROP TABLE used_proofs;
