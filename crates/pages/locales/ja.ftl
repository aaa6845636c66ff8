# 枠
footer = Rally で動いています
language = 言語
optional = { $label }（任意）
title-error = エラー：{ $title }

# フォーム
email = メールアドレス
name = お名前
join = ウェイティングリストに登録
choose = 選択してください
yes = はい
no = いいえ
leave-empty = この欄は空のままにしてください
friend-invited = お友だちからの招待です
lost-link-ask = 登録済みの方は、リンクを再送できます
privacy = プライバシー
terms = 利用規約
rewards = 特典
leaders = 招待した友だちが多い人
leader-person = 登録者
leader-friends = 友だち
friends-count =
    { $count ->
       *[other] 友だち { $count } 人
    }
captcha-elsewhere = このウェイティングリストは、このページでは表示できないロボット対策の確認を使っています。運営者のウェブサイトから登録してください。
captcha-open = 運営者のウェブサイトへ
work-running = ロボット対策の確認をしています
work-script = このウェイティングリストのロボット対策の確認には JavaScript が必要です。有効にして、ページを再読み込みしてください。
work-secure = このウェイティングリストのロボット対策の確認には、安全な接続が必要です。https:// で始まるアドレスでページを開いてください
sending = フォームを送信しています
form-unavailable = 現在フォームを表示できません
try-again = もう一度試す
tab-new = （新しいタブで開きます）

# フォームで直すところ
errors-title = 次の項目をご確認ください
error-email-missing = メールアドレスを入力してください
error-email = name@example.com のような形式でメールアドレスを入力してください
error-email-taken = このアドレスは登録済みです。別のアドレスを入力するか、リンクを再送してください
error-email-disposable = 使い続けるアドレスを入力してください。このアドレスは使い捨てアドレスのサービスのものです
error-email-no-mail = 別のアドレスを入力してください。このアドレスのドメインはメールを受信できません
error-email-other = 別のアドレスを入力してください。このアドレスはここでは使えません
error-name-missing = お名前を入力してください
error-missing = 「{ $label }」を入力してください
error-choose = 「{ $label }」を選択してください
error-number = 「{ $label }」は数字で入力してください
error-url = 「{ $label }」は https://example.com のような形式で入力してください
error-field-email = 「{ $label }」は name@example.com のような形式で入力してください
error-tel = 「{ $label }」は +81 3 1234 5678 のような形式で入力してください
error-date = 「{ $label }」に日付を入力してください
error-long =
    { $max ->
       *[other] 「{ $label }」は { $max } 文字以内で入力してください
    }
error-characters = 「{ $label }」には文字、数字、一般的な記号だけを使ってください
error-consent = 登録するには、チェックを入れてください
error-check = ロボット対策の確認ができませんでした。フォームをもう一度送信してください
error-too-fast = 入力内容を見直して、フォームをもう一度送信してください
error-form = 入力内容を見直して、フォームをもう一度送信してください。保存できない内容があります
error-unavailable = フォームを送信できませんでした。しばらくしてからもう一度お試しください
error-too-often =
    { $minutes ->
       *[other] 送信回数が多すぎます。{ $minutes } 分ほど待って、フォームをもう一度送信してください
    }
error-network = 接続がありません。確認して、フォームをもう一度送信してください

# フォームのないウェイティングリスト
paused-title = 受付を一時停止しています
paused-body = 現在は登録できません。後でもう一度お越しください。
closed-title = 受付は終了しました
closed-body = 新しい登録はできません。登録済みの方の順番はそのままです。
full-title = 定員に達しました
full-body = すべての枠が埋まっています。空きが出ることがあるため、後でもう一度お越しください。

# フォームの後
mailbox-title = メールをご確認ください
mailbox-body = リンクを記載したメールをお送りしています。リンクを開いて登録を確定してください。
mailbox-hours =
    { $hours ->
       *[other] リンクの有効期間は { $hours } 時間です。
    }
mailbox-days =
    { $days ->
       *[other] リンクの有効期間は { $days } 日間です。
    }
mailbox-spam = 数分たっても届かない場合は、迷惑メールフォルダーをご確認ください。フォームをもう一度送信することもできます。
form-open = フォームへ
form-back = フォームに戻る

# マイページ
joined-title = 登録が完了しました
place = あなたの順番
ahead =
    { $ahead ->
        [0] 前に並んでいる人はいません
       *[other] 前に { $ahead } 人います
    }
total =
    { $total ->
       *[other] ウェイティングリストには { $total } 人います
    }
review-waiting = 登録は承認待ちです
review-approved = 登録が承認されました
rejected-title = 今回は見送りとなりました
rejected-body = ご関心をお寄せいただき、ありがとうございます。今回はご案内できません。
move-up = 順番を上げる
move-up-body =
    { $boost ->
       *[other] あなたのリンクから友だちが 1 人登録するたびに、順番が最大 { $boost } 人分早まることがあります。
    }
invite = 友だちを招待
invite-body = 友だちはあなたのリンクから登録できます。
share-link = 友だち用のリンク
copy = リンクをコピー
copied = コピーしました
share = 共有
share-mail = メールで共有
share-text = 「{ $list }」のウェイティングリストに登録しました。こちらのリンクから登録できます：
share-closed = 友だちは今後登録できません。あなたの順番はそのままです。
share-later = 友だちは現在登録できません。あなたの順番と友だち用のリンクはそのままです。
reward-next =
    { $remaining ->
       *[other] あと { $remaining } 人で：{ $reward }
    }
reward-reached = 獲得済み
friends = 登録した友だち
friends-none = あなたのリンクから登録した人はまだいません。
friend-left = 退会した友だち
friend-joined = 登録済み
friend-waiting = 確認中
friends-more =
    { $count ->
       *[other] ほか { $count } 人
    }
answers = 登録内容
answers-save = 登録内容を保存
saved = 保存しました
language-save = 言語を保存
mail = メール
mail-on = この送信者からのメールを受け取っています。
mail-off = この送信者からのメールは受け取っていません。
mail-stop = メールの配信を停止
mail-start = メールを受け取る
data = あなたのデータ
data-body = あなたについて保存されているすべての情報を、1 つのファイルにまとめます。
data-download = データをダウンロード
joined-on = 登録日
confirmed-on = アドレス確認日
own-link = このページはあなた専用です。アドレスを知っている人は、登録を変更したり削除したりできます。
leave = ウェイティングリストから退会

# 退会
leave-title = 「{ $list }」から退会しますか
leave-body = 順番、登録内容、リンクが削除されます。元に戻すことはできません。
leave-friends = あなたのリンクから登録した友だちの順番はそのままです。
leave-button = 退会してデータを削除
leave-keep = 順番を残す
left-title = 退会しました
left-body = データは削除されました。いつでも登録し直せます。

# 確認
confirm-title = 登録をご確認ください
confirm-body = 確認すると、ウェイティングリストでの順番が決まります。
confirm-list = ウェイティングリスト
confirm-until = 確認期限
confirm-button = 確認する
confirm-refuse = 心当たりがありません
confirmed-title = 登録は確認済みです
confirmed-body = ここですることはもうありません。
page-open = マイページを開く
expired-title = このリンクは期限切れです
expired-body = フォームをもう一度送信すると、新しいリンクが届きます。
refused-title = 登録は削除されました
refused-body = この送信者からのメールは今後届きません。
refuse-title = 心当たりがありませんか
refuse-body = その場合は登録を削除し、この送信者からのメールを停止します。
refuse-button = 登録を削除
refuse-back = 自分で登録しました

# メール
unsubscribe-title = この送信者からのメールの配信を停止しますか
unsubscribe-body = { $email } には、どのウェイティングリストについても、この送信者からのメールが届かなくなります。順番はそのままです。
unsubscribe-button = メールの配信を停止
unsubscribed-title = メールを停止しました
unsubscribed-body = ウェイティングリストでの順番はそのままです。

# リンクの再送
lost-title = リンクを再送する
lost-body = 登録したときのアドレスを入力してください。マイページのリンクをお送りします。
lost-button = リンクを送る
lost-sent-body = このアドレスが登録されている場合は、リンクを記載したメールをお送りしています。

# うまくいかないとき
not-found-title = このアドレスにはページがありません
not-found-body = アドレスが途中で切れているか、無効になっています。いちばん新しいメールを開いてください。
forbidden-title = このフォームは別のウェブサイトのものです
forbidden-body = ウェイティングリストのページを開き、そこからフォームを送信してください。
method-title = このページではその操作ができません
method-body = アドレスをもう一度開いてください。
gone-title = このリンクは期限切れです
gone-body = いちばん新しいメールを開くか、フォームをもう一度送信してください。
unprocessable-title = 処理できませんでした
unprocessable-body = 前のページに戻り、入力内容を見直して、もう一度お試しください。
too-often-title = 回数が多すぎます
too-often-body =
    { $minutes ->
       *[other] { $minutes } 分ほど待って、もう一度お試しください。
    }
broken-title = 現在このページを表示できません
broken-body = 失われたデータはありません。しばらくしてからもう一度お試しください。
request-id = お問い合わせ用の番号

# サーバーの最初のページ
index-title = Rally は動作しています
index-body = このサーバーはウェイティングリストを管理しています。
index-console = コンソールを開く
index-docs = API のドキュメントを読む

# 日付
first-day = 1
date =
    { $month ->
        [1] { $year }年1月{ $day }日
        [2] { $year }年2月{ $day }日
        [3] { $year }年3月{ $day }日
        [4] { $year }年4月{ $day }日
        [5] { $year }年5月{ $day }日
        [6] { $year }年6月{ $day }日
        [7] { $year }年7月{ $day }日
        [8] { $year }年8月{ $day }日
        [9] { $year }年9月{ $day }日
        [10] { $year }年10月{ $day }日
        [11] { $year }年11月{ $day }日
       *[12] { $year }年12月{ $day }日
    }
