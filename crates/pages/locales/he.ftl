# מסגרת
footer = פועל על Rally
language = שפה
optional = { $label } (לא חובה)
title-error = שגיאה: { $title }

# טופס
email = כתובת דוא״ל
name = שם
join = הצטרפות לרשימת ההמתנה
choose = בחירת אפשרות
yes = כן
no = לא
leave-empty = יש להשאיר את השדה הזה ריק
friend-invited = הגעת בהזמנה של חבר
lost-link-ask = כבר ברשימת ההמתנה? אפשר לקבל שוב את הקישור
privacy = פרטיות
terms = תנאים
rewards = תגמולים
leaders = מי הביא הכי הרבה חברים
leader-person = משתתף
leader-friends = חברים
friends-count =
    { $count ->
        [one] חבר אחד
        [two] שני חברים
        [many] { $count } חברים
       *[other] { $count } חברים
    }
captcha-elsewhere = רשימת ההמתנה הזו משתמשת בבדיקה נגד רובוטים שהעמוד הזה לא יכול להציג. אפשר להצטרף באתר של רשימת ההמתנה.
captcha-open = לאתר של רשימת ההמתנה
work-running = מתבצעת בדיקה קצרה נגד רובוטים
work-script = רשימת ההמתנה הזו משתמשת בבדיקה נגד רובוטים שדורשת JavaScript. יש להפעיל אותו ולטעון את העמוד מחדש.
work-secure = רשימת ההמתנה הזו משתמשת בבדיקה נגד רובוטים שדורשת חיבור מאובטח. יש לפתוח את העמוד בכתובת שמתחילה ב-https://
sending = הטופס נשלח כעת
form-unavailable = אי אפשר להציג את הטופס כרגע
try-again = לנסות שוב
tab-new = (נפתח בכרטיסייה חדשה)

# מה לשנות בטופס
errors-title = כדאי לבדוק את התשובות האלה
error-email-missing = יש להזין את כתובת הדוא״ל שלך
error-email = יש להזין כתובת דוא״ל כמו name@example.com
error-email-taken = הכתובת הזו כבר ברשימת ההמתנה. אפשר להזין כתובת אחרת או לבקש שוב את הקישור
error-email-disposable = יש להזין כתובת שתישאר שלך. הכתובת הזו היא של שירות לכתובות זמניות
error-email-no-mail = יש להזין כתובת אחרת. הדומיין של הכתובת הזו לא מקבל דוא״ל
error-email-other = יש להזין כתובת אחרת. אי אפשר להשתמש בכתובת הזו כאן
error-name-missing = יש להזין את שמך
error-missing = יש למלא את "{ $label }"
error-choose = יש לבחור אפשרות עבור "{ $label }"
error-number = יש להזין מספר בספרות עבור "{ $label }"
error-url = יש להזין כתובת אתר כמו https://example.com עבור "{ $label }"
error-field-email = יש להזין כתובת דוא״ל כמו name@example.com עבור "{ $label }"
error-tel = יש להזין מספר טלפון כמו ‎+972 3 123 4567 עבור "{ $label }"
error-date = יש להזין תאריך עבור "{ $label }"
error-long =
    { $max ->
        [one] יש לקצר את "{ $label }" לתו אחד
        [two] יש לקצר את "{ $label }" לשני תווים
        [many] יש לקצר את "{ $label }" ל-{ $max } תווים
       *[other] יש לקצר את "{ $label }" ל-{ $max } תווים
    }
error-characters = יש להשתמש ב-"{ $label }" באותיות, בספרות ובסימנים רגילים בלבד
error-consent = יש לסמן את התיבה כדי להצטרף
error-check = הבדיקה נגד רובוטים לא הצליחה. יש לשלוח את הטופס שוב
error-too-fast = כדאי לעבור על התשובות ולשלוח את הטופס שוב
error-form = כדאי לעבור על התשובות ולשלוח את הטופס שוב. אי אפשר היה לשמור חלק מהן
error-unavailable = אי אפשר היה לשלוח את הטופס. אפשר לנסות שוב בעוד רגע
error-too-often =
    { $minutes ->
        [one] נשלחו יותר מדי טפסים. יש לחכות דקה ולשלוח את הטופס שוב
        [two] נשלחו יותר מדי טפסים. יש לחכות שתי דקות ולשלוח את הטופס שוב
        [many] נשלחו יותר מדי טפסים. יש לחכות { $minutes } דקות ולשלוח את הטופס שוב
       *[other] נשלחו יותר מדי טפסים. יש לחכות { $minutes } דקות ולשלוח את הטופס שוב
    }
error-network = אין חיבור. יש לבדוק אותו ולשלוח את הטופס שוב

# רשימת המתנה בלי טופס
paused-title = רשימת ההמתנה הזו בהפסקה
paused-body = כרגע אי אפשר להצטרף. כדאי לחזור מאוחר יותר.
closed-title = רשימת ההמתנה הזו סגורה
closed-body = כבר אי אפשר להצטרף. מי שברשימה שומר על מקומו.
full-title = רשימת ההמתנה הזו מלאה
full-body = כל המקומות תפוסים. כדאי לחזור מאוחר יותר, כי מקומות יכולים להתפנות.

# אחרי הטופס
mailbox-title = כדאי לבדוק את תיבת הדוא״ל
mailbox-body = הודעה עם קישור בדרך אליך. פתיחת הקישור תאשר את המקום שלך.
mailbox-hours =
    { $hours ->
        [one] הקישור פעיל שעה אחת.
        [two] הקישור פעיל שעתיים.
        [many] הקישור פעיל { $hours } שעות.
       *[other] הקישור פעיל { $hours } שעות.
    }
mailbox-days =
    { $days ->
        [one] הקישור פעיל יום אחד.
        [two] הקישור פעיל יומיים.
        [many] הקישור פעיל { $days } ימים.
       *[other] הקישור פעיל { $days } ימים.
    }
mailbox-spam = אם לא הגיע דבר אחרי כמה דקות, כדאי לבדוק בתיקיית הספאם. אפשר גם לשלוח את הטופס שוב.
form-open = לטופס
form-back = חזרה לטופס

# העמוד האישי
joined-title = נרשמת לרשימת ההמתנה
place = המקום שלך
ahead =
    { $ahead ->
        [0] אין אף אחד לפניך
        [one] אדם אחד לפניך
        [two] שני אנשים לפניך
        [many] { $ahead } אנשים לפניך
       *[other] { $ahead } אנשים לפניך
    }
total =
    { $total ->
        [one] אדם אחד ברשימת ההמתנה
        [two] שני אנשים ברשימת ההמתנה
        [many] { $total } אנשים ברשימת ההמתנה
       *[other] { $total } אנשים ברשימת ההמתנה
    }
review-waiting = ההרשמה שלך מחכה לאישור
review-approved = ההרשמה שלך אושרה
rejected-title = לא הפעם
rejected-body = תודה על ההתעניינות. הפעם אין מקום עבורך.
move-up = להתקדם ברשימה
move-up-body =
    { $boost ->
        [one] כל חבר שמצטרף דרך הקישור שלך עשוי לקדם אותך מקום אחד.
        [two] כל חבר שמצטרף דרך הקישור שלך עשוי לקדם אותך עד שני מקומות.
        [many] כל חבר שמצטרף דרך הקישור שלך עשוי לקדם אותך עד { $boost } מקומות.
       *[other] כל חבר שמצטרף דרך הקישור שלך עשוי לקדם אותך עד { $boost } מקומות.
    }
invite = הזמנת חברים
invite-body = החברים שלך יכולים להצטרף דרך הקישור שלך.
share-link = הקישור שלך לחברים
copy = העתקת הקישור
copied = הועתק
share = שיתוף
share-mail = שיתוף בדוא״ל
share-text = אני ברשימת ההמתנה "{ $list }". אפשר להצטרף דרך הקישור שלי:
share-closed = חברים כבר לא יכולים להצטרף. המקום שלך נשמר.
share-later = חברים לא יכולים להצטרף כרגע. המקום שלך והקישור שלך לחברים נשמרים.
reward-next =
    { $remaining ->
        [one] עוד חבר אחד עד: { $reward }
        [two] עוד שני חברים עד: { $reward }
        [many] עוד { $remaining } חברים עד: { $reward }
       *[other] עוד { $remaining } חברים עד: { $reward }
    }
reward-reached = הושג
friends = החברים שלך
friends-none = עדיין לא הצטרף אף אחד דרך הקישור שלך.
friend-left = חבר שעזב
friend-joined = בפנים
friend-waiting = בהמתנה
friends-more =
    { $count ->
        [one] ועוד אחד
        [two] ועוד שניים
        [many] ועוד { $count }
       *[other] ועוד { $count }
    }
answers = התשובות שלך
answers-save = שמירת התשובות
saved = נשמר
language-save = שמירת השפה
mail = הודעות דוא״ל
mail-on = נשלחות אליך הודעות מהשולח הזה.
mail-off = לא נשלחות אליך הודעות מהשולח הזה.
mail-stop = הפסקת ההודעות
mail-start = קבלת הודעות
data = הנתונים שלך
data-body = כל מה ששמור עליך, בקובץ אחד.
data-download = הורדת הנתונים שלך
joined-on = תאריך הצטרפות
confirmed-on = תאריך אישור הכתובת
own-link = העמוד הזה שייך לך. מי שיש לו הכתובת שלו יכול לשנות או למחוק את ההרשמה שלך.
leave = עזיבת רשימת ההמתנה

# עזיבה
leave-title = לעזוב את "{ $list }"?
leave-body = המקום, התשובות והקישור שלך יימחקו. אי אפשר לבטל את זה.
leave-friends = חברים שהצטרפו דרך הקישור שלך שומרים על מקומם.
leave-button = עזיבה ומחיקת הנתונים שלי
leave-keep = שמירת המקום שלי
left-title = עזבת את רשימת ההמתנה
left-body = הנתונים שלך נמחקו. אפשר להצטרף שוב בכל זמן.

# אישור
confirm-title = אישור ההרשמה שלך
confirm-body = אחרי האישור יהיה לך מקום ברשימת ההמתנה.
confirm-list = רשימת המתנה
confirm-until = לאישור עד
confirm-button = אישור
confirm-refuse = לא אני נרשמתי
confirmed-title = ההרשמה שלך אושרה
confirmed-body = אין עוד מה לעשות כאן.
page-open = לעמוד האישי
expired-title = תוקף הקישור הזה פג
expired-body = שליחת הטופס שוב תביא קישור חדש.
refused-title = ההרשמה נמחקה
refused-body = לא יישלחו אליך עוד הודעות מהשולח הזה.
refuse-title = לא נרשמת בעצמך?
refuse-body = אם כך, ההרשמה תימחק ולא יישלחו אליך עוד הודעות מהשולח הזה.
refuse-button = מחיקת ההרשמה
refuse-back = אני נרשמתי

# דוא״ל
unsubscribe-title = להפסיק את ההודעות מהשולח הזה?
unsubscribe-body = לא יישלחו עוד הודעות מהשולח הזה אל { $email }, על אף רשימת המתנה. המקום שלך נשמר.
unsubscribe-button = הפסקת ההודעות
unsubscribed-title = לא יישלחו אליך עוד הודעות
unsubscribed-body = המקום שלך ברשימת ההמתנה נשמר.

# קישור שאבד
lost-title = קבלת הקישור שוב
lost-body = יש להזין את הכתובת שאיתה נרשמת. הקישור לעמוד האישי יישלח לשם.
lost-button = שליחת הקישור
lost-sent-body = אם הכתובת הזו ברשימת ההמתנה, הודעה עם הקישור בדרך אליה.

# כשמשהו לא עובד
not-found-title = אין דבר בכתובת הזו
not-found-body = הכתובת לא שלמה, או שכבר אינה בתוקף. כדאי לפתוח את ההודעה החדשה ביותר שקיבלת.
forbidden-title = הטופס הזה שייך לאתר אחר
forbidden-body = יש לפתוח את העמוד של רשימת ההמתנה ולשלוח את הטופס משם.
method-title = העמוד הזה לא יכול לעשות את זה
method-body = יש לפתוח את הכתובת שוב.
gone-title = תוקף הקישור הזה פג
gone-body = כדאי לפתוח את ההודעה החדשה ביותר שקיבלת, או לשלוח את הטופס שוב.
unprocessable-title = זה לא הצליח
unprocessable-body = אפשר לחזור, לעבור על מה שהוזן ולנסות שוב.
too-often-title = יותר מדי ניסיונות
too-often-body =
    { $minutes ->
        [one] יש לחכות דקה ולנסות שוב.
        [two] יש לחכות שתי דקות ולנסות שוב.
        [many] יש לחכות { $minutes } דקות ולנסות שוב.
       *[other] יש לחכות { $minutes } דקות ולנסות שוב.
    }
broken-title = אי אפשר להציג את העמוד הזה כרגע
broken-body = דבר לא אבד. אפשר לנסות שוב בעוד רגע.
request-id = מספר לשאלות בנושא

# העמוד הראשון של שרת
index-title = Rally פועל
index-body = השרת הזה מנהל רשימות המתנה.
index-console = פתיחת המסוף
index-docs = קריאת תיעוד ה-API

# תאריכים
first-day = 1
date =
    { $month ->
        [1] { $day } בינואר { $year }
        [2] { $day } בפברואר { $year }
        [3] { $day } במרץ { $year }
        [4] { $day } באפריל { $year }
        [5] { $day } במאי { $year }
        [6] { $day } ביוני { $year }
        [7] { $day } ביולי { $year }
        [8] { $day } באוגוסט { $year }
        [9] { $day } בספטמבר { $year }
        [10] { $day } באוקטובר { $year }
        [11] { $day } בנובמבר { $year }
       *[12] { $day } בדצמבר { $year }
    }
