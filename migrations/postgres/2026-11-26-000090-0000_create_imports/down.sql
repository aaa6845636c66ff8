DROP TABLE import_names;
DROP TABLE import_items;
DROP TABLE imports;
