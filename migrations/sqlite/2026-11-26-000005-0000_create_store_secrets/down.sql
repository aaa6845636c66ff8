DROP TABLE store_secrets;
