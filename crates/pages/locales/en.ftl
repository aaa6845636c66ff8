# Frame
footer = Runs on Rally
language = Language
optional = { $label } (optional)
title-error = Error: { $title }

# Form
email = E-mail address
name = Name
join = Join the waitlist
choose = Choose an option
yes = Yes
no = No
leave-empty = Leave this field empty
friend-invited = A friend invited you
lost-link-ask = Already on the waitlist? Get your link again
privacy = Privacy policy
terms = Terms
rewards = Rewards
leaders = Who brought the most friends
leader-person = Person
leader-friends = Friends
friends-count =
    { $count ->
        [one] { $count } friend
       *[other] { $count } friends
    }
captcha-elsewhere = This waitlist uses a check against robots that this page cannot show. Join on the website of the waitlist.
captcha-open = Go to the website of the waitlist
work-running = A short check against robots is running
work-script = This waitlist uses a check against robots that needs JavaScript. Turn it on and load the page again.
work-secure = This waitlist uses a check against robots that needs a secure connection. Open the page at an address that begins with https://
sending = The form is being sent
form-unavailable = The form cannot be shown right now
try-again = Try again
tab-new = (opens in a new tab)

# What to change in a form
errors-title = Check these answers
error-email-missing = Enter your e-mail address
error-email = Enter an e-mail address like name@example.com
error-email-taken = This address is on the waitlist already. Enter another one, or get your link again
error-email-disposable = Enter an address that you will keep. This one is from a service for throw-away addresses
error-email-no-mail = Enter another address. The domain of this one takes no mail
error-email-other = Enter another address. This one cannot be used here
error-name-missing = Enter your name
error-missing = Fill in “{ $label }”
error-choose = Choose an option for “{ $label }”
error-number = Enter a number for “{ $label }”, in digits
error-url = Enter a web address for “{ $label }” like https://example.com
error-field-email = Enter an e-mail address for “{ $label }” like name@example.com
error-tel = Enter a telephone number for “{ $label }” like +44 20 7946 0018
error-date = Enter a date for “{ $label }”
error-long =
    { $max ->
        [one] Shorten “{ $label }” to { $max } character
       *[other] Shorten “{ $label }” to { $max } characters
    }
error-characters = Use letters, digits and common signs only for “{ $label }”
error-consent = Tick the box to join
error-check = The check against robots did not work. Send the form again
error-too-fast = Look over your answers and send the form again
error-form = Look over your answers and send the form again. Something in them could not be stored
error-unavailable = The form could not be sent. Try again in a moment
error-too-often =
    { $minutes ->
        [one] That was too often. Wait a minute and send the form again
       *[other] That was too often. Wait { $minutes } minutes and send the form again
    }
error-network = There is no connection. Check it and send the form again

# A waitlist without a form
paused-title = This waitlist is taking a break
paused-body = Nobody can join at the moment. Come back later.
closed-title = This waitlist is closed
closed-body = Nobody can join any more. Whoever is on the waitlist keeps their place.
full-title = This waitlist is full
full-body = All places are taken. Come back later, because places can become free.

# After the form
mailbox-title = Look into your mailbox
mailbox-body = A mail with a link is on its way to you. Open the link to confirm your place.
mailbox-hours =
    { $hours ->
        [one] The link works for { $hours } hour.
       *[other] The link works for { $hours } hours.
    }
mailbox-days =
    { $days ->
        [one] The link works for { $days } day.
       *[other] The link works for { $days } days.
    }
mailbox-spam = If nothing is there after a few minutes, look into the spam folder. You can also send the form again.
form-open = Go to the form
form-back = Back to the form

# A person's own page
joined-title = You are on the waitlist
place = Your place
ahead =
    { $ahead ->
        [0] Nobody is ahead of you
        [one] { $ahead } person is ahead of you
       *[other] { $ahead } people are ahead of you
    }
total =
    { $total ->
        [one] { $total } person is on the waitlist
       *[other] { $total } people are on the waitlist
    }
review-waiting = Your sign-up is waiting for approval
review-approved = Your sign-up is approved
rejected-title = Not this time
rejected-body = Thank you for your interest. There is no place for you this time.
move-up = Move up
move-up-body =
    { $boost ->
        [one] Each friend who joins with your link can move you up by { $boost } place.
       *[other] Each friend who joins with your link can move you up by up to { $boost } places.
    }
invite = Invite friends
invite-body = Your friends can join with your link.
share-link = Your link for friends
copy = Copy link
copied = Copied
share = Share
share-mail = Share by mail
share-text = I am on the waitlist “{ $list }”. You can join with my link:
share-closed = Friends cannot join any more. You keep your place.
share-later = Friends cannot join at the moment. You keep your place and your link for them.
reward-next =
    { $remaining ->
        [one] { $remaining } more friend until: { $reward }
       *[other] { $remaining } more friends until: { $reward }
    }
reward-reached = Reached
friends = Your friends
friends-none = Nobody has joined with your link yet.
friend-left = A friend who left
friend-joined = Joined
friend-waiting = Waiting
friends-more =
    { $count ->
        [one] And { $count } more
       *[other] And { $count } more
    }
answers = Your answers
answers-save = Save answers
saved = Saved
language-save = Save language
mail = Mail
mail-on = You get mail from this sender.
mail-off = You get no mail from this sender.
mail-stop = Unsubscribe
mail-start = Get mail
data = Your data
data-body = Everything that is stored about you, in one file.
data-download = Download your data
joined-on = Joined
confirmed-on = Address confirmed
own-link = This page belongs to you. Whoever has its address can change or delete your sign-up.
leave = Leave the waitlist

# Leaving
leave-title = Leave “{ $list }”?
leave-body = Your place, your answers and your link are deleted. This cannot be undone.
leave-friends = Friends who joined with your link keep their places.
leave-button = Leave and delete my data
leave-keep = Keep my place
left-title = You have left the waitlist
left-body = Your data is deleted. You can join again at any time.

# Confirming
confirm-title = Confirm your sign-up
confirm-body = Then you get your place on the waitlist.
confirm-list = Waitlist
confirm-until = Confirm by
confirm-button = Confirm
confirm-refuse = This wasn’t me
confirmed-title = Your sign-up is confirmed
confirmed-body = There is nothing left to do here.
page-open = Open your page
expired-title = That link has expired
expired-body = Ask for a new one. Send the form again, and it comes by mail.
refused-title = The sign-up is deleted
refused-body = You get no more mail from this sender.
refuse-title = Was it not you?
refuse-body = Then the sign-up is deleted, and you get no more mail from this sender.
refuse-button = Delete the sign-up
refuse-back = It was me

# Mail
unsubscribe-title = Unsubscribe from this sender?
unsubscribe-body = No more mail from this sender goes to { $email }, whatever the waitlist. You keep your place.
unsubscribe-button = Unsubscribe
unsubscribed-title = You get no more mail
unsubscribed-body = You keep your place on the waitlist.

# A lost link
lost-title = Get your link again
lost-body = Enter the address that you joined with. The link to your page goes there.
lost-button = Send the link
lost-sent-body = If this address is on the waitlist, a mail with the link is on its way.

# When something does not work
not-found-title = There is nothing at this address
not-found-body = The address is incomplete, or it has ended. Open the newest mail that you have.
forbidden-title = This form belongs to another website
forbidden-body = Open the page of the waitlist and send the form from there.
method-title = This page cannot do that
method-body = Open the address again.
gone-title = This link has expired
gone-body = Open the newest mail that you have, or send the form again.
unprocessable-title = That did not work
unprocessable-body = Go back, look over what you entered, and try again.
too-often-title = That was too often
too-often-body =
    { $minutes ->
        [one] Wait a minute and try again.
       *[other] Wait { $minutes } minutes and try again.
    }
broken-title = This page cannot be shown right now
broken-body = Nothing is lost. Try again in a moment.
request-id = Number for questions about this

# The first page of a server
index-title = Rally is running
index-body = This server keeps waitlists.
index-console = Open the console
index-docs = Read the API documentation


# Dates
first-day = 1
date =
    { $month ->
        [1] { $day } January { $year }
        [2] { $day } February { $year }
        [3] { $day } March { $year }
        [4] { $day } April { $year }
        [5] { $day } May { $year }
        [6] { $day } June { $year }
        [7] { $day } July { $year }
        [8] { $day } August { $year }
        [9] { $day } September { $year }
        [10] { $day } October { $year }
        [11] { $day } November { $year }
       *[12] { $day } December { $year }
    }
