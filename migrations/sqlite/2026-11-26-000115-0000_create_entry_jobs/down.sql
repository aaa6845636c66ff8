DROP TABLE entry_jobs;
