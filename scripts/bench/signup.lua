-- Sign-ups for wrk. Every address occurs once, every second one has a referral code, and the lists take turns. Arguments: a
-- prefix for the addresses, the file of codes, the number of lists (0: the path of the URL), a pause in milliseconds.
local counter = 0

function setup(thread)
    thread:set("id", counter)
    counter = counter + 1
end

function init(args)
    prefix, n, pause = args[1], 0, tonumber(args[4] or "0")
    lists = tonumber(args[3] or "0")
    codes = {}
    for line in io.lines(args[2]) do codes[#codes + 1] = line end
    wrk.method = "POST"
    wrk.headers["content-type"] = "application/json"
end

function request()
    n = n + 1
    local code = ""
    if n % 2 == 0 then code = ',"referral_code":"' .. codes[n % #codes + 1] .. '"' end
    local body = '{"email":"' .. prefix .. "t" .. id .. "n" .. n .. '@example.com","name":"Somebody"' .. code .. "}"
    local path = wrk.path
    if lists > 0 then path = "/v1/waitlists/bench/many-" .. (n % lists) .. "/entries" end
    return wrk.format(nil, path, nil, body)
end

function delay()
    return pause
end

function done(summary, latency, requests)
    local errors = summary.errors
    print(string.format("refused %d", errors.status + errors.connect + errors.read + errors.write + errors.timeout))
end
